"""The sink to Redis: a projection of what PostgreSQL has committed, never more."""
