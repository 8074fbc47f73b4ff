"""Merges staged records into the stream's tables, by statements composed from its declaration."""
