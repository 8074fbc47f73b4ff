"""The rules that a stream has taken: the kinds of its events' identity, and the source of its changes."""
