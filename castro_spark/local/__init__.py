"""Embedded Kafka, PostgreSQL and Redis: real servers on loopback, without root and without Docker."""

from castro_spark.local.process import LocalServiceError
from castro_spark.local.stack import Stack

__all__ = ["LocalServiceError", "Stack"]
