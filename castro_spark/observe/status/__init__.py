"""The `status` command: what PostgreSQL and Redis hold, block by block (contents.py), and on request Kafka (live.py).

Nothing here but live.py imports Spark, so that a status takes less than a second.
"""

from castro_spark.observe.status.collect import Status, lines

__all__ = ["Status", "lines"]
