"""A month of movements on which faults are planted: what the quality checks must find of each, and when it must be over.

The month is committed day by day, with the checks and their incidents as in production, up to the day of the faults.
Each case then goes on from a copy of it: the month as it is, a fault alone, or several at once. The topic is in memory;
PostgreSQL and Redis are real. Record times are as many days ago as the events.
"""
