"""Data quality: checks, their results, and what they cause."""
