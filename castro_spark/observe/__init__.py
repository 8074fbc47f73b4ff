"""What the jobs tell of themselves to people and programs."""
