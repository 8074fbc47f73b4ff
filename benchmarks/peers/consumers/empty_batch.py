"""A foreachBatch that does nothing, on each of the streams: what Spark's engine alone costs.

Its session, query and Kafka options are the product's.

`reads`: it reads its records and drops them; else not even that. When a batch's function returns, a line with the time
and the batch's end goes to the file of its stream in the folder.
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
from castro_spark.sources.kafka.records import read_stream
from castro_spark.streaming.query import session_of_query


def main(conf: str, folder: str, topics: dict[str, str], partitions: int, reads: bool) -> None:
    settings = load_settings(conf_file=Path(conf))
    spark = spark_session("empty", settings)
    streaming = settings.streaming

    def start(stream: str, topic: str) -> Any:
        checkpoint = Path(folder) / f"checkpoint-{stream}"
        batches = batches_file(Path(folder), stream).open("a", buffering=1)

        def take(batch: DataFrame, number: int) -> None:
            if reads:
                batch.select("value").write.format("noop").mode("append").save()
            batches.write(json.dumps([time.time(), _ends(checkpoint, number, topic)]) + "\n")

        session = session_of_query(spark, str(checkpoint))
        session.conf.set("spark.sql.streaming.pollingDelay", f"{streaming.idle_poll_milliseconds}ms")
        beginnings = dict.fromkeys(range(partitions), 0)
        records = read_stream(session, settings.kafka, topic, beginnings, streaming.max_offsets_per_trigger)
        query = records.writeStream.queryName(stream).option("checkpointLocation", str(checkpoint))
        return query.trigger(processingTime="0 seconds").foreachBatch(take).start()

    queries = [start(stream, topic) for stream, topic in topics.items()]
    print("consuming", flush=True)
    queries[0].awaitTermination()


def batches_file(folder: Path, stream: str) -> Path:
    """Where the ended batches of a stream are listed, one a line: [Unix time, {partition: next offset}]."""
    return folder / f"batches-{stream}"


def _ends(checkpoint: Path, number: int, topic: str) -> Any:
    """The end offsets of a batch, from Spark's log on this machine: the JVM has no part in it."""
    lines = (checkpoint / "offsets" / str(number)).read_text().splitlines()
    return json.loads(lines[2])[topic]


if __name__ == "__main__":
    main(**json.loads(Path(sys.argv[1]).read_text()))
