"""The topic that a stream reads: its ends, its identity, and the consumer group that shows the lag."""
