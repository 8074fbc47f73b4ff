"""THE commit of a batch: staged rows, one transaction, and the ledger that decides (transaction.py has its steps)."""
