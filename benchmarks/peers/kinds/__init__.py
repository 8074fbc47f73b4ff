"""How a run of each kind of load is measured: drained, killed, live, idle, and the parts alone."""
