"""Run as a process: makes the warehouse's tables, and 200 products, by the settings file that is named."""

from __future__ import annotations

import sys
from pathlib import Path

from castro_spark.local import warehouse, warehouse_history
from castro_spark.session import hive_session
from castro_spark.settings import load_settings

PRODUCTS = 200


def main() -> None:
    settings = load_settings(conf_file=Path(sys.argv[1]))
    spark = hive_session("fill", None, settings)
    warehouse.create_tables(spark)
    products = warehouse_history.product_master(spark, PRODUCTS, 1)
    warehouse.append(spark, "castrolanda_inventory.product_master", products, settings.timezone)
    spark.stop()


if __name__ == "__main__":
    main()
