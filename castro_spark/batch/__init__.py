"""The batch jobs: extract, backfill, replay and validate."""
