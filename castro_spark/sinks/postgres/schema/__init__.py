"""The schema: its migrations, the tables of each stream, and what the role may do with them."""
