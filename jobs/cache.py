"""Rebuild the Redis hashes from what PostgreSQL has committed."""

from __future__ import annotations

from pathlib import Path

import click
import redis

from castro_spark import cli
from castro_spark.batch.cache import rebuild_streams, rebuild_view
from castro_spark.counted import counted
from castro_spark.errors import SinkError
from castro_spark.observe.heartbeat import reported
from castro_spark.sinks.redis.trouble import in_words


@click.group(help=__doc__)
def main() -> None:
    """The group; `rebuild` is its only command."""


@main.command()
@cli.settings_options
@cli.stream_option
def rebuild(env: str, conf_file: Path | None, names: tuple[str, ...]) -> None:
    """Write every hash that is recent enough to be cached; safe while the streams run.

    Without --stream it includes product_360. Exit status 1 if Redis is not up to date afterwards.
    """
    settings = cli.load_migrated(env, conf_file)
    with reported(settings.postgres, "cache rebuild") as component:
        done = []
        for stream in rebuild_streams(settings, cli.chosen(names)):
            done.append(stream)
            component.progressed(streams_done=len(done), keys=sum(s.keys for s in done))
            click.echo(stream.line())
        left = [stream.problem for stream in done if stream.problem]
        if not names:
            try:
                click.echo(f"product_360: {counted(rebuild_view(settings), 'hash', 'hashes')}")
            except redis.RedisError as error:
                left.append(f"product_360: {in_words(error, settings.redis)}")
        if left:
            raise SinkError("\n".join(left), "the rebuild stays requested: the next process that projects does it")


if __name__ == "__main__":
    cli.run(main)
