"""Check the data: freshness, counts, schema, nulls, duplicates, volume, drift, copies; store the results."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from castro_spark import cli
from castro_spark.errors import UsageError
from castro_spark.incidents.of_checks import note_checks
from castro_spark.local_day import EARLIEST_YEAR
from castro_spark.observe.heartbeat import reported
from castro_spark.outbox.deliverer import deliver_once
from castro_spark.quality.checks import NAMES
from castro_spark.quality.run import as_dict, failed, run_checks
from castro_spark.quality.text import lines
from castro_spark.quality.topics import LazyTopics
from castro_spark.session import spark_session


@click.command(help=__doc__)
@cli.settings_options
@cli.stream_option
@click.option("--check", "checks", multiple=True, type=click.Choice(NAMES), help="Only this check; may be repeated.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="The judged local day.  [default: today]")
@click.option("--dry-run", is_flag=True, help="Store no results, open no incidents and tell nobody.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(
    env: str,
    conf_file: Path | None,
    names: tuple[str, ...],
    checks: tuple[str, ...],
    day: datetime | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Starts no JVM, unless Kafka needs Kerberos. Exit status 1 if a check failed or could not run; not for warnings.

    Safe at any time: it reads, adds its results to castro.quality_result, and opens and resolves incidents.
    """
    settings = cli.load_migrated(env, conf_file)
    topics = LazyTopics(settings, lambda: spark_session("quality", settings, master="local[1]"))
    judged = day.date() if day else None
    if judged is not None and judged > (tomorrow := datetime.now(settings.zone).date() + timedelta(days=1)):
        raise UsageError(f"--date {judged} is in the future", f"give a day up to {tomorrow}: later ones have no events")
    if judged is not None and judged.year < EARLIEST_YEAR:
        raise UsageError(f"--date {judged} is before {EARLIEST_YEAR}, when the first events may be", "give a later day")
    with reported(settings.postgres, "quality") as component:
        note = None if dry_run else note_checks(settings)
        results = run_checks(
            settings, cli.chosen(names), topics, names=checks, day=judged, note=note, store=not dry_run
        )
        component.progressed(results=len(results), failed=sum(failed(r, settings) for r in results))
    if as_json:
        cli.print_json([{**as_dict(r), "failed": failed(r, settings)} for r in results])
    else:
        click.echo("\n".join(lines(results, settings)))
    if settings.alerts.deliver and not dry_run:
        deliver_once(settings)
    if any(failed(r, settings) for r in results):
        raise click.exceptions.Exit(1)


if __name__ == "__main__":
    cli.run(main)
