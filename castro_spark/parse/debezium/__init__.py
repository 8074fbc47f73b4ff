"""Debezium changes: a change's row, its record key, and values as Kafka Connect encodes them."""
