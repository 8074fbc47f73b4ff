"""The sink to PostgreSQL: staging, then one transaction a batch."""
