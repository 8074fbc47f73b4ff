"""Deliver messages to other systems, and list, retry or discard those that could not be delivered."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from castro_spark import cli
from castro_spark.errors import NotDelivered
from castro_spark.observe.heartbeat import Heartbeat
from castro_spark.outbox import letters
from castro_spark.outbox.deliverer import Deliverer, deliver_once
from castro_spark.process.user import user_name
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import Connection, connect

channel_option = click.option("--channel", help="Only messages for this channel.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(help=__doc__)
def main() -> None:
    """Each command takes the settings options."""


@main.command("list")
@cli.settings_options
@click.option("--state", type=click.Choice([*letters.STATES, "undelivered"]), default="undelivered", show_default=True)
@channel_option
@click.option("--limit", type=cli.NUMBER, default=50, show_default=True)
@json_option
def list_(
    env: str, conf_file: Path | None, state: str, channel: str | None, limit: int, as_json: bool
) -> None:
    """List messages, oldest first; by default those that are pending or dead."""
    states = ["dead", "pending"] if state == "undelivered" else [state]
    settings = cli.load_migrated(env, conf_file)
    with closing(_connection(settings)) as connection:
        letters.check_channel(connection, channel, settings.alerts.enabled)
        found = [letter for name in states for letter in letters.letters(connection, name, channel, limit)][:limit]
    if as_json:
        cli.print_json([vars(letter) for letter in found])
        return
    for letter in found:
        click.echo(letter.line())
    click.echo(f"{len(found)} {state}" + (" (the limit: --limit N for more)" if len(found) == limit else ""))


@main.command()
@cli.settings_options
@click.argument("ids", type=cli.NUMBER, nargs=-1)
@click.option("--all", "all_", is_flag=True, help="All that are dead or wait for another attempt.")
@channel_option
def retry(env: str, conf_file: Path | None, ids: tuple[int, ...], all_: bool, channel: str | None) -> None:
    """Make dead letters, and messages that wait for another attempt, due now."""
    if bool(ids) == all_ or (ids and channel):
        raise click.UsageError("name the messages, or give --all (with --channel NAME for one channel's)")
    settings = cli.load_migrated(env, conf_file)
    with closing(_connection(settings)) as connection:
        letters.check_channel(connection, channel, settings.alerts.enabled)
        click.echo(f"{letters.retry(connection, ids or None, channel)} due now")


@main.command()
@cli.settings_options
@click.argument("ids", type=cli.NUMBER, nargs=-1, required=True)
@click.option("--note", required=True, callback=cli.words, help="The reason, for later reference.")
def discard(env: str, conf_file: Path | None, ids: tuple[int, ...], note: str) -> None:
    """Give up dead or pending messages."""
    with closing(_connection(cli.load_migrated(env, conf_file))) as connection:
        click.echo(f"{letters.discard(connection, ids, f'{user_name()}: {note}')} discarded")


@main.command()
@cli.settings_options
@click.option("--once", is_flag=True, help="Deliver what is due, then end.")
def run(env: str, conf_file: Path | None, once: bool) -> None:
    """Deliver messages until SIGTERM or SIGINT. Any number of processes may do so at once.

    With --once the exit status is 1 if a message was not delivered; it stays in the outbox.
    """
    settings = cli.load_migrated(env, conf_file)
    if not once:
        stopping = cli.until_signalled()
        deliverer = Deliverer(settings)
        with Heartbeat(settings.postgres, [deliverer.component], ""), deliverer:
            stopping.wait()
        return
    tallies = deliver_once(settings)
    for name, tally in tallies.items():
        click.echo(f"{name}: {tally.delivered} delivered, {tally.failed} failed, {tally.dead} dead")
    if left := [name for name, tally in tallies.items() if tally.failed or tally.dead]:
        raise NotDelivered(f"not all messages were delivered by {', '.join(left)}", "./spark-submit.sh outbox list")


def _connection(settings: Settings) -> Connection:
    return connect(settings.postgres, "castro_spark outbox")


if __name__ == "__main__":
    cli.run(main)
