"""Bring past records through the streams' own code again: a range of business days, from the archive."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from castro_spark import cli
from castro_spark.batch.backfill import Progress, from_archive
from castro_spark.errors import UsageError
from castro_spark.session import spark_session
from castro_spark.streams import all_streams
from castro_spark.streams import stream as stream_named

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command(help=__doc__)
@cli.settings_options
@click.option("--stream", "name", required=True, type=click.Choice(sorted(all_streams())), help="Of this stream.")
@click.option("--from", "first", required=True, type=_DAY, help="The first business day, in the local calendar.")
@click.option("--to", "last", required=True, type=_DAY, help="The last one.")
@click.option("--from-archive", "from_archive_", is_flag=True, help="Take the records from the archive.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def main(
    env: str, conf_file: Path | None, name: str, first: datetime, last: datetime, from_archive_: bool, as_json: bool
) -> None:
    """Safe to repeat, and while the stream runs."""
    settings = cli.load(env, conf_file)
    if not from_archive_:
        raise UsageError("history from Hive is not there yet", "say --from-archive to take the archived records")
    if first > last:
        raise UsageError(f"--from {first.date()} is after --to {last.date()}", "name the earlier day first")
    spark = spark_session("backfill", delta=True)
    stopping = cli.until_signalled()  # after the session, which sets a handler of its own

    def report(progress: Progress) -> None:
        click.echo(progress.line(), err=True)

    done = from_archive(
        spark, settings, stream_named(name), first.date(), last.date(), stopping=stopping, report=report
    )
    if as_json:
        cli.print_json({"from": first.date(), "to": last.date(), **done.as_dict()})
    else:
        click.echo(done.summary())


if __name__ == "__main__":
    cli.run(main)
