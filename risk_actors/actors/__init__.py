"""The thin shells: each owns a mailbox and one piece of the core's state."""
