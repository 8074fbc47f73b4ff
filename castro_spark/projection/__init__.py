"""Projects PostgreSQL's committed state to Redis: reads the changes, publishes them, and advances a marker in Redis.

Guarantee: Redis becomes consistent with PostgreSQL without intervention, whichever job committed (a stream, a replay, a
backfill, a repair), and whether or not Redis was available or the answer to COMMIT arrived. Committing jobs do not
depend on the projection and never wait for it.
"""
