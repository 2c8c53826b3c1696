"""Pure risk logic: no thread, clock, log, environment, randomness or I/O; `now` is an argument."""
