"""Channels: how a message of the outbox reaches another system. Each file is one type; nothing is sent at import."""
