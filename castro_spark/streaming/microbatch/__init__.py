"""A micro-batch: its slices, their staging one ahead of the commits, and the report of its outcome."""
