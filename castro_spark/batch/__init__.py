"""Wiring of the jobs that end: they take what the streams left aside, or what was before them."""
