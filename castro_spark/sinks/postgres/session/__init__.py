"""A session: its login, its checks, the time to wait for an answer, and which of its errors may pass."""
