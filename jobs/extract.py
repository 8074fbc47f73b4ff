"""Extract warehouse tables (Hive) to PostgreSQL: changed rows, or all rows; once, or every few minutes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from castro_spark import cli
from castro_spark.batch.extract import FULL, INCREMENTAL, TableResult, chosen_tables
from castro_spark.batch.extract_runs import run_loop, run_once
from castro_spark.batch.extract_text import check_done, lines
from castro_spark.session import hive_session


@click.command(help=__doc__)
@cli.settings_options
@click.option("--mode", type=click.Choice([INCREMENTAL, FULL]), required=True,
              help="Rows changed since the last extract; or all rows, checked, then swapped in.")  # fmt: skip
@click.option("--table", "names", multiple=True, help="This table only, by target or source; may be repeated.")
@click.option("--every", callback=cli.duration(least=1), metavar="DURATION",
              help="Repeat it in this application so often (30s, 5m, 1h), until SIGTERM or `stop`.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with --every, of each run.")
def main(
    env: str, conf_file: Path | None, mode: str, names: tuple[str, ...], every: float | None, as_json: bool
) -> None:
    """Exit status 1 if a table failed (with --every: in the last run); the other tables are done."""
    settings = cli.load_migrated(env, conf_file)
    tables = chosen_tables(settings, names)
    spark = hive_session("extract", settings.warehouse.embedded_dir, settings)

    def report(results: Sequence[TableResult]) -> None:
        if as_json:
            cli.print_json([r.as_dict() for r in results])
        else:
            click.echo("\n".join(lines(results, mode)))

    if every is None:
        results = run_once(spark, settings, tables, mode)
        report(results)
    else:
        stopping = cli.until_signalled()  # after the session, which installs its own signal handler
        results = run_loop(spark, settings, tables, mode, every=every, stopping=stopping, report=report)
    check_done(results)


if __name__ == "__main__":
    cli.run(main)
