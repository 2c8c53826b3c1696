"""`make bench`: how fast it is, as ratios of what runs in turn on the same machine."""
