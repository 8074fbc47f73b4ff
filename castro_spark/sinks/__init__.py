"""Where rows go. A sink's docstring says what happens when a batch repeats."""
