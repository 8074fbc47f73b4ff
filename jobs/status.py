"""Show each stream's lag, writer, quarantine, cache and archive, and how far each warehouse table is extracted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from castro_spark import cli
from castro_spark.session import spark_session
from castro_spark.streaming.status import product_360_status, stream_status, warehouse_status


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
        return
    for s in found:
        if not s["started"]:
            click.echo(f"{s['stream']}: topic {s['topic']}, never started")
            continue
        click.echo(f"{s['stream']}: topic {s['topic']}" + ("" if s["topic_is_the_ledgers"] else " WAS CREATED AGAIN"))
        click.echo(f"  lag         {sum(s['lag'].values()):,} records {s['lag']}")
        committed = f"{s['committed_at']:%Y-%m-%d %H:%M:%S} UTC by {s['writer']}"
        click.echo(f"  committed   revision {s['revision']} at {committed}")
        click.echo(f"  redis       {_projection(s['redis'])}")
        if archive := s.get("archive"):
            click.echo(f"  archive     {_archive(archive)}")
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


def _projection(held: dict[str, Any]) -> str:
    words = f"revision {held['revision']}"
    if not held["up_to_date"]:
        words += f"  BEHIND by {held['behind']:,} commits, {held['behind_seconds']:,.0f} s"
    if trouble := held.get("error") or held["failing"]:
        since = f" since {held['failing_since']:%Y-%m-%d %H:%M:%S} UTC" if held["failing_since"] else ""
        words += f"; {trouble}{since}"
    elif not held["up_to_date"] and held["projector"] is None:
        words += "; no process projects it: the next that runs makes it good"
    return words


def _archive(archive: dict[str, Any]) -> str:
    if not archive["readable"]:
        return f"not readable ({archive['error']})"
    lost = sum(archive["lost"].values())
    behind = f"{sum(archive['behind'].values()):,} records behind, last append {archive['archived_at']}"
    return behind + (f"  {lost:,} RECORDS AGED OUT BEFORE" if lost else "")


if __name__ == "__main__":
    cli.run(main)
