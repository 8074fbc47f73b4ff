"""Wiring: a query a stream, its start, its batches, its end."""
