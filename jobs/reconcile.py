"""Compare a business day in the warehouse with PostgreSQL, and PostgreSQL with Redis: plan, or plan and repair."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from castro_spark import cli
from castro_spark.batch.history import history_of
from castro_spark.errors import NotReconciled, SettingsError, UsageError
from castro_spark.observe.heartbeat import reported
from castro_spark.process.component import State
from castro_spark.reconcile.report import summary
from castro_spark.reconcile.run import reconcile
from castro_spark.session import hive_session

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command(help=__doc__)
@cli.settings_options
@cli.stream_option
@click.option("--date", "day", type=_DAY, help="The business day, in the local calendar.  [default: yesterday]")
@click.option("--apply", "apply_", is_flag=True, help="Execute the plan's repairs, and record them in castro.repair.")
@click.option("--force", is_flag=True, help="Even if it changes more than reconcile.change_limit allows.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(
    env: str,
    conf_file: Path | None,
    names: tuple[str, ...],
    day: datetime | None,
    apply_: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Idempotent, and safe while the streams run. Exit status 1 if a stream failed or was refused."""
    settings = cli.load_migrated(env, conf_file)
    if force and not apply_:
        raise UsageError("--force without --apply changes nothing", "add --apply, or leave --force out")
    chosen = [s for s in cli.chosen(names) if names or settings.history(s.name)]
    for stream in chosen:
        history_of(settings, stream)  # raises if it has none
    if not chosen:
        raise SettingsError("no stream has a history in the warehouse", "set streams.NAME.history in the settings")
    business_day = day.date() if day else datetime.now(settings.zone).date() - timedelta(days=1)
    spark = hive_session("reconcile", settings.warehouse.embedded_dir, settings)
    stopping = cli.until_signalled()  # after the session, which installs its own signal handler
    application = str(spark.sparkContext.applicationId)
    with reported(settings.postgres, "reconcile", application=application) as component:
        component.progressed(day=business_day.isoformat(), streams=len(chosen), apply=apply_)
        results = reconcile(spark, settings, chosen, business_day, apply=apply_, force=force, stopping=stopping)
        component.progressed(unrepaired=sum(r.unrepaired for r in results))
        if problems := [f"{r.stream}: {r.problem}" for r in results if r.problem]:
            component.enter(State.FAILED, "not_reconciled", "; ".join(problems))
    if as_json:
        cli.print_json([r.as_dict() for r in results])
    else:
        for result in results:
            click.echo("\n".join(result.lines()))
        click.echo(summary(results, business_day))
    if failed := [r for r in results if r.problem]:
        raise NotReconciled("\n".join(["not reconciled:", *(f"{r.stream}: {r.problem}" for r in failed)]))


if __name__ == "__main__":
    cli.run(main)
