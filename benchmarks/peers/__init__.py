"""Contestants side by side on the same topic, bytes, servers and columns: `./benchmarks/run.sh peers --help`."""
