"""Redis as a follower of what PostgreSQL has committed: read what changed, publish it, mark how far that goes.

Guarantee: whatever committed it (a stream, a replay, a backfill, a repair), and whatever became of Redis or of the
answer to COMMIT meanwhile, Redis comes to hold what PostgreSQL holds, by itself. Nothing that commits knows of it, or
waits for it.
"""
