"""Show each stream's lag, writer, quarantine, cache and archive, and how far each warehouse table is extracted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from castro_spark import cli
from castro_spark.session import spark_session
from castro_spark.streaming.status import product_360_status, stream_status, warehouse_status

_MOST_TABLES = 10


@click.command(help=__doc__)
@cli.settings_options
@cli.stream_option
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def main(env: str, conf_file: Path | None, names: tuple[str, ...], as_json: bool) -> None:
    """Changes nothing but what it has told: a new field of a source is told once."""
    settings = cli.load(env, conf_file)
    spark = spark_session("status", delta=settings.archive.dir is not None)
    found = [stream_status(spark, settings, stream) for stream in cli.chosen(names)]
    view, tables = product_360_status(settings), warehouse_status(settings)
    if as_json:
        cli.print_json({"streams": found, "product_360": view, "warehouse": tables})
    else:
        _show(found, view, tables)
    if any(s.get("errors") for s in found):
        raise click.exceptions.Exit(1)


def _show(found: list[dict[str, Any]], view: dict[str, Any], tables: list[dict[str, Any]]) -> None:
    for s in found:
        if not s["started"]:
            click.echo(f"{s['stream']}: topic {s['topic']}, never started")
            continue
        cache = s["redis"]
        held = f"revision {cache['revision']}" if cache["reachable"] else f"not reachable ({cache['error']})"
        click.echo(f"{s['stream']}: topic {s['topic']}" + ("" if s["topic_is_the_ledgers"] else " WAS CREATED AGAIN"))
        click.echo(f"  lag         {sum(s['lag'].values()):,} records {s['lag']}")
        committed = f"{s['committed_at']:%Y-%m-%d %H:%M:%S} UTC by {s['writer']}"
        click.echo(f"  committed   revision {s['revision']} at {committed}")
        click.echo(f"  redis       {held}{'' if cache.get('up_to_date') else '  BEHIND'}")
        if archive := s.get("archive"):
            click.echo(f"  archive     {_archive(archive)}")
        for error in s["errors"]:
            click.echo(f"  ERROR       {error['state']} since {error['since']:%Y-%m-%d %H:%M:%S} UTC")
            click.echo(f"              {error['problem']}; {error['remedy']}")
        if s["skipped"]:
            click.echo(f"  skipped     {', '.join(f'{kind} {n:,}' for kind, n in s['skipped'].items())}")
        if tables_skipped := s["skipped_tables"]:
            click.echo(f"  of tables   {_tables(tables_skipped, s['skipped_tables_not_reported_before'])}")
        if new := s["unknown_fields_not_told_before"]:
            click.echo(f"  new fields  {', '.join(new)}: not in the declaration, so used nowhere (told this once)")
        click.echo(f"  quarantine  {sum(s['quarantined'].values()):,} open {s['quarantined'] or ''}")
    if view["migrated"]:
        at = f"{view['refreshed_at']:%Y-%m-%d %H:%M:%S} UTC" if view["refreshed_at"] else "never"
        held = "up to date" if view["redis"].get("up_to_date") else "BEHIND or not reachable"
        click.echo(f"product_360: {view['products']:,} products, {view['to_refresh']:,} to refresh")
        click.echo(f"  refreshed   {at}")
        click.echo(f"  redis       {held}")
    for t in tables:
        told = "never extracted"
        if at := t["committed_at"]:
            told = f"up to {t['watermark']} by an extract ({t['mode']}) at {at:%Y-%m-%d %H:%M:%S} UTC"
        click.echo(f"{t['table']}: {told}")


def _tables(records: dict[str, int], new: list[str]) -> str:
    """Other tables' records by name, the most frequent first; "*" are the names beyond those counted by themselves."""
    shown = [f"{name} {n:,}{' (new)' if name in new else ''}" for name, n in list(records.items())[:_MOST_TABLES]]
    left = len(records) - len(shown)
    return ", ".join(shown) + (f" and {left} more (--json)" if left else "")


def _archive(archive: dict[str, Any]) -> str:
    if not archive["readable"]:
        return f"not readable ({archive['error']})"
    lost = sum(archive["lost"].values())
    behind = f"{sum(archive['behind'].values()):,} records behind, last append {archive['archived_at']}"
    return behind + (f"  {lost:,} RECORDS AGED OUT BEFORE" if lost else "")


if __name__ == "__main__":
    cli.run(main)
