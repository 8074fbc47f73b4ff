"""List, show, mute or close incidents: what the checks found wrong."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from castro_spark import cli
from castro_spark.counted import counted
from castro_spark.incidents import by_hand
from castro_spark.incidents.configured import incident_rules
from castro_spark.incidents.incident import Incident
from castro_spark.incidents.text import as_data, details, line
from castro_spark.process.user import user_name
from castro_spark.sinks.postgres.connection import Connection, connect

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
by_option = click.option(
    "--by", default=user_name, show_default="the user", callback=cli.words, help="Who."
)
reason_option = click.option("--reason", required=True, callback=cli.words, help="Why, for later reference.")


@click.group(help=__doc__)
def main() -> None:
    """Each command takes the settings options."""


@main.command("list")
@cli.settings_options
@click.option("--all", "ended", is_flag=True, help="The ended ones too, the newest first.")
@click.option("--limit", type=cli.NUMBER, default=50, show_default=True)
@json_option
def list_(env: str, conf_file: Path | None, ended: bool, limit: int, as_json: bool) -> None:
    """List the open incidents, the worst first."""
    with closing(_connection(env, conf_file)) as connection:
        found = by_hand.incidents(connection, ended=ended, limit=limit)
    if as_json:
        cli.print_json([as_data(incident) for incident in found])
        return
    for incident in found:
        click.echo(line(incident))
    click.echo(counted(len(found), "incident") + (" (the limit: --limit N for more)" if len(found) == limit else ""))


@main.command()
@cli.settings_options
@click.argument("number", type=cli.NUMBER)
@json_option
def show(env: str, conf_file: Path | None, number: int, as_json: bool) -> None:
    """Show an incident, its evidence and its history."""
    with closing(_connection(env, conf_file)) as connection:
        incident, events = by_hand.show(connection, number)
    if as_json:
        cli.print_json({**as_data(incident), "events": [vars(event) for event in events]})
        return
    for text in details(incident, events):
        click.echo(text)


@main.command()
@cli.settings_options
@click.argument("number", type=cli.NUMBER)
@click.option("--until", required=True, help="ISO-8601 (without an offset: local time), or from now: 90m, 8h, 2d; 0m"
              " ends a mute.")  # fmt: skip
@reason_option
@by_option
@json_option
def mute(
    env: str, conf_file: Path | None, number: int, until: str, reason: str, by: str, as_json: bool
) -> None:
    """Notify nobody of an incident until a time; then tell what happened meanwhile."""
    settings = cli.load_migrated(env, conf_file)
    try:
        moment = _moment(until, settings.zone)
    except (ValueError, OverflowError):  # no time, or one beyond the calendar
        raise click.UsageError("--until: write 2026-03-02T18:00, or 90m, 8h, 2d") from None
    with closing(connect(settings.postgres, "castro_spark incidents")) as connection:
        _report(by_hand.mute(connection, number, moment, by, reason), as_json)


@main.command()
@cli.settings_options
@click.argument("number", type=cli.NUMBER)
@reason_option
@by_option
@json_option
def close(env: str, conf_file: Path | None, number: int, reason: str, by: str, as_json: bool) -> None:
    """End an incident by hand. If its check still fails, the next run opens a new one: mute it instead."""
    settings = cli.load_migrated(env, conf_file)
    with closing(connect(settings.postgres, "castro_spark incidents")) as connection:
        closed = by_hand.close(
            connection, number, by, reason, incident_rules(settings.alerts), settings.alerts.channels_for("incident")
        )
    _report(closed, as_json)


def _moment(until: str, zone: ZoneInfo) -> datetime:
    if (seconds := cli.in_seconds(until)) is not None:
        return datetime.now(timezone.utc) + timedelta(seconds=seconds)
    moment = datetime.fromisoformat(until.replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(timezone.utc)


def _connection(env: str, conf_file: Path | None) -> Connection:
    return connect(cli.load_migrated(env, conf_file).postgres, "castro_spark incidents")


def _report(incident: Incident, as_json: bool) -> None:
    if as_json:
        cli.print_json(as_data(incident))
    else:
        click.echo(line(incident))


if __name__ == "__main__":
    cli.run(main)
