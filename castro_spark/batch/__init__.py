"""The batch jobs: wiring of what reads the warehouse and what writes it."""
