"""The daemon as a process against a gateway that misbehaves on purpose."""
