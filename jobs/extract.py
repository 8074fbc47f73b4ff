"""Extract warehouse tables (Hive) to PostgreSQL: changed rows, or all rows."""

from __future__ import annotations

from pathlib import Path

import click

from castro_spark import cli
from castro_spark.batch.extract import FULL, INCREMENTAL, extract
from castro_spark.component import State
from castro_spark.errors import TablesFailed, UsageError
from castro_spark.observe.heartbeat import reported
from castro_spark.projection.followers import following
from castro_spark.session import hive_session
from castro_spark.streams import all_streams


@click.command(help=__doc__)
@cli.settings_options
@click.option("--mode", type=click.Choice([INCREMENTAL, FULL]), required=True,
              help="Rows changed since the last extract; or all rows, checked, then swapped in.")  # fmt: skip
@click.option("--table", "names", multiple=True, help="This table only, by target or source; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(env: str, conf_file: Path | None, mode: str, names: tuple[str, ...], as_json: bool) -> None:
    """Exit status 1 if a table failed; the other tables are done."""
    settings = cli.load_migrated(env, conf_file)
    tables = settings.warehouse.mapped
    if unknown := [n for n in names if n not in tables and n not in {m.source for m in tables.values()}]:
        raise UsageError(f"no table {', '.join(unknown)} in the settings", f"there are {', '.join(tables)}")
    chosen = {t: m for t, m in tables.items() if not names or t in names or m.source in names}
    spark = hive_session("extract", settings.warehouse.embedded_dir, settings)
    fed = [s for s in all_streams().values() if (history := settings.history(s.name)) and history.table in chosen]
    application = str(spark.sparkContext.applicationId)
    with (
        reported(settings.postgres, "extract", application=application) as component,
        following(settings, fed, last_sync=True),
    ):
        component.progressed(mode=mode, tables=len(chosen))
        results = extract(spark, settings, chosen, mode)
        failed = [r for r in results if not r.done]
        component.progressed(tables_done=len(results) - len(failed), rows_read=sum(r.read for r in results))
        if failed:
            component.enter(State.FAILED, "tables_failed", "; ".join(f"{r.table}: {r.problem}" for r in failed))
    if as_json:
        cli.print_json([r.as_dict() for r in results])
    else:
        rows, changed = sum(r.read for r in results), sum(r.inserted + r.updated for r in results)
        click.echo(
            f"extract {mode}: {len(results) - len(failed)} of {len(results)} tables done, {rows:,} rows read,"
            f" {changed:,} written, {max((r.seconds for r in results), default=0):.1f} s"
        )
        for result in results:
            for note in result.notes:
                click.echo(f"{result.table}: {note}")
    if failed:
        raise TablesFailed("\n".join(["these tables failed:", *(f"{r.table}: {r.problem}" for r in failed)]))


if __name__ == "__main__":
    cli.run(main)
