"""Show each stream's lag, writer, quarantine, cache and archive, what else runs, and the extracts."""

from __future__ import annotations

from pathlib import Path

import click

from castro_spark import cli
from castro_spark.observe.status import Status, lines


@click.command(help=__doc__)
@cli.settings_options
@cli.stream_option
@click.option("--live", is_flag=True, help="Also ask Kafka and read the archives now, for which a JVM starts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, at the end.")
def main(env: str, conf_file: Path | None, names: tuple[str, ...], live: bool, as_json: bool) -> None:
    """From PostgreSQL and Redis. Exit status 1 if a part did not answer, or something that should run does not.

    Changes nothing except the record of what was reported: a new source field is reported once.
    """
    settings = cli.load(env, conf_file)
    status = Status(settings, cli.chosen(names))
    for block, part in status.stored():
        for line in () if as_json else lines(block, part):
            click.echo(line)
    if live:
        from castro_spark.observe.status.blocks.stream_text import topic_lines  # noqa: PLC0415
        from castro_spark.observe.status.live import topics  # noqa: PLC0415 - only this option needs Spark
        from castro_spark.session import spark_session  # noqa: PLC0415

        for part in topics(status, lambda: spark_session("status", settings, delta=settings.archive.dir is not None)):
            for line in () if as_json else topic_lines(part):
                click.echo(line)
    if as_json:
        cli.print_json(status.document)
    if status.failed:
        raise click.exceptions.Exit(1)


if __name__ == "__main__":
    cli.run(main)
