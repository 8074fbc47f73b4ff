"""Kafka records -> events and rejects with reasons. Pure: columns in, columns out."""

from castro_spark.parse.records import EVENT, REJECT, SKIP, parse_records
from castro_spark.parse.reasons import Reason

__all__ = ["EVENT", "REJECT", "SKIP", "Reason", "parse_records"]
