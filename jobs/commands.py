"""Request, serve and list commands: replay, discard, rebuild_cache."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from castro_spark import cli
from castro_spark.batch.actions import ACTIONS, action
from castro_spark.batch.serve import CommandServer
from castro_spark.counted import counted
from castro_spark.observe.heartbeat import reported
from castro_spark.observe.status.blocks.commands import command_line
from castro_spark.process.user import user_and_host
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.operations import commands

_POLL_SECONDS = 1.0
_END_SECONDS = 20.0


@click.group(help=__doc__)
def main() -> None:
    """Running streams serve commands; without any, `run` does."""


@main.command()
@cli.settings_options
@click.argument("name", metavar="ACTION", type=click.Choice(sorted(ACTIONS)))
@cli.stream_option
@click.option("--id", "ids", multiple=True, type=cli.NUMBER, help="A quarantined record; may be repeated.")
@click.option("--reason", help="Only records with this reason code (replay).")
@click.option("--note", help="The reason, for later reference (discard).")
@click.option("--expires", type=cli.Amount(1, 31 * 86_400), default=3600.0, show_default=True,
              help="Seconds within which a process must take it.")  # fmt: skip
def request(
    env: str, conf_file: Path | None, name: str, names: tuple[str, ...], ids: tuple[int, ...], reason: str | None,
    note: str | None, expires: float,
) -> None:  # fmt: skip
    """Request an action of the running streams, or of `commands run`."""
    settings = cli.load_migrated(env, conf_file)
    given = {"ids": ids, "reason": reason, "note": note, "streams": names}
    arguments = {key: value for key, value in given.items() if value}
    action(name, arguments)  # raises if they do not fit
    with closing(connect(settings.postgres, "castro_spark commands")) as connection:
        by = user_and_host()
        number = commands.request(connection, name, arguments, requested_by=by, expires=expires)
    click.echo(f"command {number}: {name} is requested; `commands list` shows its result")


@main.command()
@cli.settings_options
@click.option("--once", is_flag=True, help="Serve what waits now, then end.")
def run(env: str, conf_file: Path | None, once: bool) -> None:
    """Serve commands until SIGTERM or SIGINT: for when no stream runs."""
    settings = cli.load_migrated(env, conf_file)
    stopping = cli.until_signalled()
    server = CommandServer(settings, stopping)
    if once:
        with reported(settings.postgres, "commands"), closing(connect(settings.postgres, "castro_spark commands")) as c:
            server.poll(c)
            while not server.is_idle:
                server.wait(_POLL_SECONDS)
                server.poll(c)
    else:
        with reported(settings.postgres, "commands", poll=server.poll) as component:
            while not stopping.wait(_POLL_SECONDS):
                component.progressed(served=server.served)
            server.wait(_END_SECONDS)
    click.echo(f"{counted(server.served, 'command')} served")


@main.command("list")
@cli.settings_options
@click.option("--hours", type=cli.Amount(0, 1_000_000), default=24.0, show_default=True,
              help="How far back, for those that have ended.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(env: str, conf_file: Path | None, hours: float, as_json: bool) -> None:
    """List open and recently ended commands, newest first."""
    with closing(connect(cli.load_migrated(env, conf_file).postgres, "castro_spark commands")) as connection:
        commands.expire(connection)
        found = commands.listed(connection, hours)
    if as_json:
        cli.print_json(found)
        return
    for row in found:
        click.echo(command_line(row))
    click.echo(counted(len(found), "command"))


if __name__ == "__main__":
    cli.run(main)
