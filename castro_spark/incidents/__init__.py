"""Incidents: what checks found wrong, from the first failing result until it is over, and who is told of it when."""
