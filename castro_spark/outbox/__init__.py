"""The outbox: messages are put in the transaction of their cause, and delivered by channels after its commit."""

from castro_spark.sinks.postgres.outbox import put

__all__ = ["put"]
