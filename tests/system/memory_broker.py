"""The broker in memory, which the fuzzer brings along (`risk_actors/fuzz/broker.py`)."""

from risk_actors.fuzz.broker import MS, Broker, Faults, S

__all__ = ["MS", "Broker", "Faults", "S"]
