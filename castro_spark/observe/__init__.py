"""What runs, and how that goes, for people and programs."""
