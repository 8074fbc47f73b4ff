"""Secrets and certificates: where they may stand, how they are read, and what a server says of its own."""
