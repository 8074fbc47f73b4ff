"""Where rows come from. A source knows nothing of what becomes of them."""
