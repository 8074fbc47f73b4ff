"""Operations: which processes run, commands to them, how long their work takes, and the pruning of old rows."""
