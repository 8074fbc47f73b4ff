"""Embedded Kafka, PostgreSQL and Redis on loopback, with the page, for trying things out."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import click

from castro_spark import cli
from castro_spark.counted import counted
from castro_spark.local import clients
from castro_spark.local.page import LocalPage
from castro_spark.local.stack import Stack
from castro_spark.resources import castro_home


def folder_option(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the option --dir."""
    return click.option(
        "--dir", "folder", type=click.Path(file_okay=False, path_type=Path),
        default=lambda: castro_home() / "local", show_default="$CASTRO_HOME/local",
        help="The folder of data, logs, ports and passwords.",
    )(command)  # fmt: skip


@click.group(help=__doc__)
def main() -> None:
    """The group of the commands below."""


@main.command()
@folder_option
@click.option("--warehouse", is_flag=True, help="Also create a Hive warehouse with data, for `extract`; once.")
@click.option("--years", type=click.IntRange(1, 50), default=1, show_default=True,
              help="Years of data in the warehouse; they end with 2024.")  # fmt: skip
@click.option("--transactions", type=click.IntRange(1), default=20_000, show_default=True,
              help="Stock movements in the warehouse.")  # fmt: skip
@click.option("--products", type=click.IntRange(1), default=500, show_default=True,
              help="Products in the warehouse.")  # fmt: skip
@click.option("--page/--no-page", default=True, show_default=True, help="Also serve the web page.")
def up(folder: Path, warehouse: bool, years: int, transactions: int, products: int, page: bool) -> None:
    """Start the servers that do not run yet."""

    def report(name: str, seconds: float) -> None:
        click.echo(f"  {name:9} up in {seconds:.1f} s" if seconds else f"  {name:9} is running already")

    stack = Stack(folder)
    stack.up(report)
    if warehouse:
        make_warehouse(stack.warehouse, years, transactions, products)
    if page:
        served = LocalPage(stack.folder, stack.env())
        begun = time.monotonic()
        report(served.name, time.monotonic() - begun if served.start() else 0)
        click.echo(f"Look:       {served.url}")
    option = "" if folder == castro_home() / "local" else f" --dir {shlex.quote(str(folder))}"
    click.echo(f'Use them:   eval "$(./spark-submit.sh local env{option})"')
    click.echo(f"Stop them:  ./spark-submit.sh local down{option}      (the data stays in {folder})")


def make_warehouse(folder: Path, years: int, transactions: int, products: int) -> None:
    """Creates the embedded Hive with its data, unless it exists."""
    from castro_spark.local import warehouse  # noqa: PLC0415  # imports Spark, which the other commands do not need
    from castro_spark.settings import load_settings  # noqa: PLC0415

    if warehouse.is_made(folder):
        click.echo("  warehouse is there already")
        return
    what = f"{counted(years, 'year')}, {counted(transactions, 'transaction')}"
    click.echo(f"  warehouse: {what} ... (a minute or so, once)")
    warehouse.make(
        folder, load_settings().timezone, products=products, years=years, transactions=transactions,
        report=lambda table, seconds: click.echo(f"    {table} in {seconds:.1f} s"),
    )  # fmt: skip


@main.command()
@folder_option
def down(folder: Path) -> None:
    """Stop the servers; the data remains."""
    stack = Stack(folder)
    LocalPage(stack.folder, {}).stop()
    stack.down()
    click.echo(f"Nothing runs in {folder}; its data is kept.")


@main.command()
@folder_option
def env(folder: Path) -> None:
    """Print the settings to use these servers, as export lines for a shell."""
    for name, value in Stack(folder).env().items():
        click.echo(f"export {name}={shlex.quote(value)}")


@main.command()
@folder_option
def status(folder: Path) -> None:
    """Show each server's status; the exit status is 1 unless all are up."""
    stack = Stack(folder)
    services = stack.status()
    for service in services:
        where = f"port {service.port}, pid {service.pid}, log {service.log}" if service.pid else ""
        click.echo(f"  {service.name:9} {service.state:14} {where}".rstrip())
    page = LocalPage(stack.folder, {})
    if page.running():
        click.echo(f"  {page.name:9} {'up' if page.ready() else 'not answering':14} {page.url}")
    if any(service.state != "up" for service in services):
        raise click.exceptions.Exit(1)


_OF_THE_PROGRAM = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@main.command(context_settings=_OF_THE_PROGRAM)
@folder_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(folder: Path, arguments: tuple[str, ...]) -> None:
    """Look into PostgreSQL: psql, with its own ARGUMENTS (-c 'SELECT ...')."""
    clients.psql(Stack(folder), arguments)


@main.command("redis-cli", context_settings=_OF_THE_PROGRAM)
@folder_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def redis_cli(folder: Path, arguments: tuple[str, ...]) -> None:
    """Look into Redis: redis-cli, with its own ARGUMENTS (HGETALL KEY)."""
    clients.redis_cli(Stack(folder), arguments)


@main.command()
@folder_option
@click.option("--topic", required=True, help="An existing topic.")
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
def produce(folder: Path, topic: str, file: TextIO) -> None:
    """Send each line of FILE, or of the standard input, to a topic as one record."""
    click.echo(f"{counted(clients.produce(Stack(folder), topic, file), 'record')} sent to {topic}")


if __name__ == "__main__":
    cli.run(main)
