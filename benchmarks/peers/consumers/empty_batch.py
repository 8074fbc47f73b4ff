"""A foreachBatch that reads its records and drops them, on each of the streams: what Spark's engine alone costs.

Session and Kafka options are the product's. After each batch of inventory a line with the time and the batch's end goes
to the file `batches` of the folder.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from castro_spark.session import spark_session
from castro_spark.settings import load_settings
from castro_spark.sources.kafka import read_stream
from castro_spark.streaming.checkpoint import offsets_of_batch


def main(conf: str, folder: str, topics: dict[str, str], partitions: int) -> None:
    settings = load_settings(conf_file=Path(conf))
    spark = spark_session("empty", settings)
    spark.conf.set("spark.sql.streaming.pollingDelay", f"{settings.streaming.idle_poll_milliseconds}ms")

    def start(stream: str, topic: str) -> Any:
        checkpoint = f"{folder}/checkpoint-{stream}"

        def read(batch: DataFrame, number: int) -> None:
            batch.select("value").write.format("noop").mode("append").save()
            if stream == "inventory":
                ends = offsets_of_batch(spark, checkpoint, number, topic)
                with (Path(folder) / "batches").open("a") as lines:
                    lines.write(json.dumps([time.time(), ends]) + "\n")

        records = read_stream(spark, settings.kafka, topic, dict.fromkeys(range(partitions), 0), 200_000)
        stream_of = records.writeStream.queryName(stream).option("checkpointLocation", checkpoint)
        return stream_of.trigger(processingTime="0 seconds").foreachBatch(read).start()

    queries = [start(stream, topic) for stream, topic in topics.items()]
    print("consuming", flush=True)
    queries[0].awaitTermination()


if __name__ == "__main__":
    main(**json.loads(Path(sys.argv[1]).read_text()))
