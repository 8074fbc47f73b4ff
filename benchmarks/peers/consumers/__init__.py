"""Consumers written for the comparison, each a process: `python -m benchmarks.peers.consumers.NAME SETTINGS_FILE`."""
