"""Metrics in Prometheus's format, read from PostgreSQL: they outlast the drivers that they describe."""
