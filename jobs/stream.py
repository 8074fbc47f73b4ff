"""Consume Kafka into PostgreSQL and Redis, exactly once, until stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from castro_spark import cli
from castro_spark.jvm.meanwhile import import_meanwhile
from castro_spark.session import spark_session

if TYPE_CHECKING:
    from castro_spark.streaming.microbatch.progress import BatchReport

_SECONDS_A_LINE = 10


@click.command(help=__doc__)
@cli.settings_options
@cli.stream_option
@click.option("--available-now", is_flag=True, help="Consume the available records, then end.")
@click.option("--accept-new-topic", is_flag=True, help="The topic was created again: start at its beginning.")
@click.option("--accept-lost-records", is_flag=True, help="The topic lost records: continue where it has some.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per batch on stdout.")
def main(
    env: str, conf_file: Path | None, names: tuple[str, ...], available_now: bool, accept_new_topic: bool,
    accept_lost_records: bool, as_json: bool,
) -> None:  # fmt: skip
    """Streams until SIGTERM or SIGINT; the current batch ends first."""
    settings = cli.load_migrated(env, conf_file)
    import_meanwhile("castro_spark.streaming.application", "castro_spark.batch.serve")
    spark = spark_session("stream", settings, delta=settings.archive.dir is not None)
    from castro_spark.batch.serve import CommandServer  # noqa: PLC0415
    from castro_spark.streaming.application import run_streams  # noqa: PLC0415
    from castro_spark.streaming.microbatch.progress import ProgressLines  # noqa: PLC0415

    stopping = cli.until_signalled()  # after the session, which installs its own signal handler

    def json_line(stream: str, batch: BatchReport) -> None:
        click.echo(json.dumps({"stream": stream, **batch.as_dict()}))

    server = CommandServer(settings, stopping)
    with ProgressLines(click.echo, _SECONDS_A_LINE) as lines:
        run_streams(
            spark, settings, cli.chosen(names), available_now=available_now, accept_new_topic=accept_new_topic,
            accept_lost_records=accept_lost_records, stopping=stopping, report=json_line if as_json else lines.add,
            poll=None if available_now else server.poll,
        )  # fmt: skip


if __name__ == "__main__":
    cli.run(main)
