"""The archive of a stream: the loop that appends the topic's records, and its thread."""
