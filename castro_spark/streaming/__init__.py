"""Runs the streams: one Structured Streaming query per stream, with its start, batches, supervision and shutdown."""
