"""List, replay or discard quarantined records."""

from __future__ import annotations

from pathlib import Path

import click

from castro_spark import cli
from castro_spark.batch.replay import replay_chosen
from castro_spark.observe.heartbeat import reported
from castro_spark.process.component import State
from castro_spark.sinks.postgres.commit import quarantine
from castro_spark.sinks.postgres.connection import connect

ids_option = click.option("--id", "ids", multiple=True, type=cli.NUMBER, help="Only this record; may be repeated.")
reason_option = click.option("--reason", help="Only records with this reason code.")


@click.group(help=__doc__)
def main() -> None:
    """Each command takes the settings options."""


@main.command("list")
@cli.settings_options
@cli.stream_option
@reason_option
@click.option("--status", type=click.Choice(quarantine.STATUSES), default="open", show_default=True)
@click.option("--limit", type=cli.NUMBER, default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the bytes as hex.")
def list_(
    env: str, conf_file: Path | None, names: tuple[str, ...], reason: str | None, status: str, limit: int, as_json: bool
) -> None:
    """List quarantined records, oldest first."""
    connection = connect(cli.load_migrated(env, conf_file).postgres, "castro_spark quarantine")
    records = quarantine.records(connection, status=status, reason=reason, streams=names, limit=limit)
    connection.close()
    if as_json:
        cli.print_json([{**vars(q), "key": q.key and q.key.hex(), "value": q.value and q.value.hex()} for q in records])
        return
    for q in records:
        where = f"{q.stream} partition {q.partition} offset {q.offset}"
        cut = f" (the first 1 MiB of {q.value_length:,} bytes)" if q.is_cut else ""
        click.echo(f"{q.id:>6}  {q.reason:<22} {where}: {(q.detail or '')[:80]}{cut}")
    click.echo(f"{len(records)} {status}" + (" (the limit: --limit N for more)" if len(records) == limit else ""))


@main.command()
@cli.settings_options
@cli.stream_option
@ids_option
@reason_option
@click.option("--value-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Corrected bytes, for the one record that --id names.")  # fmt: skip
def replay(
    env: str, conf_file: Path | None, names: tuple[str, ...], ids: tuple[int, ...], reason: str | None,
    value_file: Path | None,
) -> None:  # fmt: skip
    """Send open records through the stream's code again: by --id, by --reason, or all."""
    if value_file and len(ids) != 1:
        raise click.UsageError("--value-file corrects one record: name it by --id")
    settings = cli.load_migrated(env, conf_file)
    connection = connect(settings.postgres, "castro_spark quarantine")
    choice = quarantine.Choice(ids=ids, reason=reason, streams=names)
    if ids:
        named = quarantine.records(connection, reason=reason, ids=ids, streams=names)
        cut = [q.id for q in named if q.is_cut and not value_file]
        if cut:
            raise click.UsageError(
                f"only the first 1 MiB of {', '.join(map(str, cut))} is stored: give the whole value, one record at a"
                " time: --id N --value-file PATH"
            )
    if value_file:
        quarantine.mend(connection, ids[0], value_file.read_bytes())
    connection.close()
    with reported(settings.postgres, "replay") as component:
        done = replay_chosen(settings, choice)
        component.progressed(replayed=done.replayed, still_open=done.still_open, not_tried=done.cut)
        if not done.complete:
            component.enter(State.FAILED, "still_open", done.lines()[0])
    click.echo("\n".join(done.lines()))
    if not done.complete:
        raise click.exceptions.Exit(1)


@main.command()
@cli.settings_options
@ids_option
@click.option("--note", required=True, callback=cli.words, help="The reason, for later reference.")
def discard(env: str, conf_file: Path | None, ids: tuple[int, ...], note: str) -> None:
    """Mark open records as discarded; their bytes remain stored."""
    if not ids:
        raise click.UsageError("name the records: --id N, as often as needed")
    connection = connect(cli.load_migrated(env, conf_file).postgres, "castro_spark quarantine")
    quarantine.records(connection, ids=ids)
    click.echo(f"{quarantine.discard_chosen(connection, quarantine.Choice(ids=ids), note)} discarded")
    connection.close()


if __name__ == "__main__":
    cli.run(main)
