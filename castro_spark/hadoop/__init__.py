"""Hadoop from outside: what its clients are configured for, and its own programs, from the jars that Spark has."""
