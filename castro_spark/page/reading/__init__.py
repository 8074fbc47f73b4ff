"""What PostgreSQL and Redis hold, and what it means: snapshots, health, lag; and why it cannot be told."""
