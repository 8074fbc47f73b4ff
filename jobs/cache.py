"""Rebuild the Redis hashes from what PostgreSQL has committed."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from castro_spark import cli
from castro_spark.sinks.postgres.commit.ledger import read_ledger
from castro_spark.sinks.postgres.connection import connect
from castro_spark.streaming.cache import CachePublisher
from castro_spark.streaming.product_360 import Product360


@click.group(help=__doc__)
def main() -> None:
    """One command so far."""


@main.command()
@cli.settings_options
@cli.stream_option
def rebuild(env: str, conf_file: Path | None, names: tuple[str, ...]) -> None:
    """Write every hash that is recent enough to be cached; safe while the streams run.

    Without --stream those of product_360 too.
    """
    settings = cli.load(env, conf_file)
    for stream in cli.chosen(names):
        connection = connect(settings.postgres, "castro_spark cache")
        ledger = read_ledger(connection, stream.name)
        connection.close()
        if ledger is None:
            click.echo(f"{stream.name}: never started, nothing to cache")
            continue
        cache = CachePublisher(settings, stream)
        written = cache.catch_up(ledger.epoch, ledger.revision, everything=True)
        cache.close()
        click.echo(f"{stream.name}: {written:,} hashes as of revision {ledger.revision}")
    if not names:
        with closing(Product360(settings)) as view:
            click.echo(f"product_360: {view.rebuild():,} hashes")


if __name__ == "__main__":
    cli.run(main)
