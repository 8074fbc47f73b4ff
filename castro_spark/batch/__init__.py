"""Wiring of the jobs that end: they bring what the warehouse or the archive holds."""
