"""The commit of a batch: staged rows, one transaction, and the offset ledger (transaction.py lists the steps)."""
