"""Spark's JVM: how it starts, what Python calls in it, and how it ended."""
