"""Parses Kafka records into events and deletes, or rejects with reasons. Pure functions."""

from castro_spark.parse.columns import parsed_types
from castro_spark.parse.reasons import DELETE, EVENT, REJECT, SKIP, Reason
from castro_spark.parse.records import (
    SOURCE_COLUMNS,
    parse_batch,
    parse_records,
)
from castro_spark.parse.rules import ParseRules

__all__ = [
    "DELETE",
    "EVENT",
    "REJECT",
    "SKIP",
    "SOURCE_COLUMNS",
    "ParseRules",
    "Reason",
    "parse_batch",
    "parse_records",
    "parsed_types",
]
