"""Kafka as a source: a topic's records, what the brokers know of it, and what their refusals mean."""
