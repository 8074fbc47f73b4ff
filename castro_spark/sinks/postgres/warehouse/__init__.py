"""Loads warehouse tables: staging, target tables, the swap of a full refresh, the watermark."""
