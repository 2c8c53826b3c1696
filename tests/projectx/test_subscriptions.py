"""What each hub is to send: contracts that come on top, and lines that rest."""

from risk_actors.projectx.subscriptions import ContractSubscriptions, Invocation

ES, MNQ = "CON.F.US.EP.U26", "CON.F.US.MNQ.U26"


def subscribed(*contract_ids: str, verb: str = "Subscribe") -> list[Invocation]:
    return [
        (f"{verb}{what}", [contract_id])
        for contract_id in contract_ids
        for what in ("ContractQuotes", "ContractTrades")
    ]


def test_what_comes_on_top_is_subscribed_once_and_all_of_it_by_a_new_connection() -> None:
    contracts = ContractSubscriptions()
    assert contracts.all() == []
    assert contracts.want(ES)
    assert not contracts.want(ES)
    assert contracts.added() == subscribed(ES)
    assert contracts.added() == []
    contracts.want(MNQ)
    assert contracts.added() == subscribed(MNQ)
    assert contracts.all() == subscribed(ES, MNQ)
    assert contracts.added() == []


def test_a_rest_ends_what_is_sent_once_and_its_end_has_all_sent_again() -> None:
    contracts = ContractSubscriptions()
    contracts.want(ES)
    contracts.all()
    contracts.rest(is_resting=True)
    assert contracts.added() == subscribed(ES, verb="Unsubscribe")
    assert contracts.added() == []
    contracts.rest(is_resting=False)
    assert contracts.added() == subscribed(ES)
    assert contracts.added() == []


def test_what_is_wanted_during_a_rest_is_sent_after_it_and_was_never_there_to_be_ended() -> None:
    contracts = ContractSubscriptions()
    contracts.want(ES)
    contracts.all()
    contracts.rest(is_resting=True)
    contracts.want(MNQ)
    assert contracts.added() == subscribed(ES, verb="Unsubscribe")
    contracts.rest(is_resting=False)
    assert contracts.added() == subscribed(ES, MNQ)


def test_a_connection_made_during_a_rest_has_nothing_sent_and_nothing_to_end() -> None:
    contracts = ContractSubscriptions()
    contracts.want(ES)
    contracts.all()
    contracts.rest(is_resting=True)
    assert contracts.all() == []
    assert contracts.added() == []
    contracts.rest(is_resting=False)
    assert contracts.added() == subscribed(ES)


def test_during_a_rest_is_sent_what_the_other_line_cannot_tell() -> None:
    contracts = ContractSubscriptions()
    contracts.want(ES)
    contracts.want(MNQ)
    contracts.all()
    contracts.rest(is_resting=True, but=(MNQ,))
    assert contracts.added() == subscribed(ES, verb="Unsubscribe")
    contracts.rest(is_resting=True, but=(ES,))
    assert contracts.added() == [*subscribed(MNQ, verb="Unsubscribe"), *subscribed(ES)]
    assert contracts.all() == subscribed(ES)
    contracts.rest(is_resting=False)
    assert contracts.added() == subscribed(MNQ)


def test_a_rest_that_is_over_before_it_was_noticed_changes_nothing() -> None:
    contracts = ContractSubscriptions()
    contracts.want(ES)
    contracts.all()
    contracts.rest(is_resting=True)
    contracts.rest(is_resting=False)
    assert contracts.added() == []
