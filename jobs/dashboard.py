"""Serve the web page: health, today's figures, streams, quarantine, incidents and each product; no JVM."""

from __future__ import annotations

from pathlib import Path

import click

from castro_spark import cli
from castro_spark.page.web.serve import elsewhere, serve
from castro_spark.streams import all_streams


@click.command(help=__doc__)
@cli.settings_options
@click.option("--address", help="Where to listen. [default: page.address, 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="The port; 0: a free one. [default: page.port, 8480]")
def main(env: str, conf_file: Path | None, address: str | None, port: int | None) -> None:
    """Until SIGTERM or SIGINT. It starts whether or not PostgreSQL and Redis answer."""
    settings = elsewhere(cli.load(env, conf_file), address, port)
    serve(settings, list(all_streams().values()), lambda url: click.echo(f"castro: the page is at {url}"))


if __name__ == "__main__":
    cli.run(main)
