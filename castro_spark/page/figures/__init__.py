"""Figures that several pages show: a stream's day, the processes of a part, series as drawings."""
