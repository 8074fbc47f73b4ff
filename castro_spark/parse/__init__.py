"""Kafka records -> events and rejects with reasons. Pure: columns in, columns out."""

from castro_spark.parse.reasons import Reason
from castro_spark.parse.records import EVENT, REJECT, SKIP, parse_records

__all__ = ["EVENT", "REJECT", "SKIP", "Reason", "parse_records"]
