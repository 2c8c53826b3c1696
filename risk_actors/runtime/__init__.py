"""What pykka leaves out: mailboxes, addresses, dead letters, supervision, clocks."""
