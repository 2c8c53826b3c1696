"""Alerts to the trader's phone, mail or chat, and the heartbeat to a watcher elsewhere."""
