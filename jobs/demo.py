"""Run the whole pipeline once: start servers, produce records, run the streams, show the results."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Thread

import click

from castro_spark import cli
from castro_spark.errors import CastroError
from castro_spark.local import Stack
from castro_spark.local.demo import show
from castro_spark.local.guard import serving
from castro_spark.local.movements import send
from castro_spark.local.page import LocalPage
from castro_spark.resources import castro_home
from castro_spark.rules import configured, stream_settings
from castro_spark.session import spark_session
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.schema.migrate import migrate
from castro_spark.sources.kafka.topics import create_topics
from castro_spark.streaming.application import run_streams
from castro_spark.streaming.microbatch.progress import BatchReport, ProgressLines
from castro_spark.streaming.product_360 import Product360
from castro_spark.streams import all_streams

_CATCH_UP_SECONDS = 60
_OPEN_SECONDS = 86_400  # a demo with its page open ends after a day, at the latest


@click.command(help=__doc__)
@click.option("--rate", default=500, show_default=True, type=click.IntRange(1), help="Movements a second.")
@click.option("--seconds", default=20, show_default=True, type=click.IntRange(1), help="How long to send them.")
@click.option("--dir", "folder", type=click.Path(file_okay=False, path_type=Path),
              default=lambda: castro_home() / "demo", show_default="$CASTRO_HOME/demo",
              help="The servers' data folder; it is reused the next time.")  # fmt: skip
@click.option("--open-page", is_flag=True,
              help="Open the web page, and go on sending until Ctrl-C, whatever --seconds says.")  # fmt: skip
def main(rate: int, seconds: int, folder: Path, open_page: bool) -> None:
    """Ctrl-C ends it cleanly at any time: the current batch is committed, then the servers stop."""
    cli.quiet_log()
    stack = Stack(folder, die_with_parent=True)
    with ExitStack() as ending:
        ending.callback(stack.down)
        click.secho("1. Servers (real ones, on loopback)", bold=True)
        stack.up(lambda name, took: click.echo(f"   {name:9} up in {took:.1f} s"))
        # Without the archive: loading Delta Lake would take longer than the demo itself.
        environ = {k: v for k, v in {**os.environ, **stack.env()}.items() if k != "CASTRO_ARCHIVE_DIR"}
        settings = load_settings("local", environ=environ)
        streams = list(all_streams().values())
        topics = {s.name: configured(s, settings).topic for s in streams}
        connection = connect(settings.postgres, "castro_spark demo")
        migrate(connection, streams)
        connection.close()
        spark = spark_session("demo", settings, delta=settings.archive.dir is not None)
        stopping = cli.until_signalled()
        partitions = {topics[s.name]: stream_settings(s, settings).partitions for s in streams}
        for outcome in create_topics(spark, settings.kafka, partitions).values():
            if isinstance(outcome, CastroError):
                raise outcome
        if open_page:
            seconds = _OPEN_SECONDS
            ending.enter_context(_opened(LocalPage(stack.folder, environ)))
        until = "until Ctrl-C" if open_page else f"for {seconds} s"
        click.secho(f"2. Records: {rate}/s {until} to {', '.join(topics.values())}", bold=True)
        consumed = 0

        def produce() -> None:
            sent = send(settings.kafka.bootstrap_servers, topics, settings.timezone, rate=rate, seconds=seconds,
                        stopping=stopping)  # fmt: skip
            for _ in range(_CATCH_UP_SECONDS):
                if consumed >= sent or stopping.wait(1):
                    break
            stopping.set()

        producer = Thread(target=produce, daemon=True)
        producer.start()
        with ProgressLines(lambda line: click.echo(f"   {line}"), seconds=1) as lines:

            def report(name: str, batch: BatchReport) -> None:
                nonlocal consumed
                consumed += batch.offsets
                lines.add(name, batch)

            run_streams(spark, settings, streams, available_now=False, accept_new_topic=False, stopping=stopping,
                        report=report)  # fmt: skip
        producer.join(10)
        with closing(Product360(settings)) as view:
            view.refresh()  # includes the events of the last seconds
        show(settings, streams)
        spark.stop()
        click.secho("Next steps", bold=True)
        click.echo(f"   ./spark-submit.sh local up --dir {folder}")
        click.echo(f'   eval "$(./spark-submit.sh local env --dir {folder})"')
        click.echo("   ./spark-submit.sh status; ./spark-submit.sh quarantine list; ./spark-submit.sh stream")
        click.echo("   The web page: `local up` serves it, and `demo --open-page` shows it with live traffic")


@contextmanager
def _opened(page: LocalPage) -> Iterator[None]:
    """Serves the page while the block runs, and opens it where there is a display; it ends with this process too."""
    with serving(page):
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform == "darwin":
            webbrowser.open(page.url)
        click.secho(f"   The page: {page.url}    (Ctrl-C ends all of it)", bold=True)
        yield


if __name__ == "__main__":
    cli.run(main)
