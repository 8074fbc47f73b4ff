"""Every block of the status, in the order of the output. To add one, write its module in blocks and name it here."""

from __future__ import annotations

from castro_spark.observe.status.blocks.alerts import ALERTS
from castro_spark.observe.status.blocks.commands import COMMANDS
from castro_spark.observe.status.blocks.components import COMPONENTS
from castro_spark.observe.status.blocks.critical import CRITICAL
from castro_spark.observe.status.blocks.product_360 import PRODUCT_360
from castro_spark.observe.status.blocks.quality import QUALITY
from castro_spark.observe.status.blocks.retraining import RETRAINING
from castro_spark.observe.status.blocks.streams import STREAMS
from castro_spark.observe.status.blocks.warehouse import WAREHOUSE

BLOCKS = (
    STREAMS, PRODUCT_360, CRITICAL, WAREHOUSE, QUALITY, COMPONENTS, COMMANDS, ALERTS, RETRAINING,
)  # fmt: skip
