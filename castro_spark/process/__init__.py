"""This process as others see it: its parts and what they report, its log, and its standard streams."""
