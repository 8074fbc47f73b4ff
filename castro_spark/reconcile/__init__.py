"""A business day of the warehouse, PostgreSQL and Redis: compare -> plan -> repair (run.py wires them)."""
