"""Ask streams that run, wherever that is, to stop: their batches under way end first."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from castro_spark import cli
from castro_spark.errors import StreamsFailed
from castro_spark.sinks.postgres.connection import connect
from castro_spark.streaming.stop import stop_streams
from castro_spark.streams import all_streams


@click.command(help=__doc__)
@cli.settings_options
@click.option("--stream", "name", required=True, type=click.Choice([*sorted(all_streams()), "all"]), help="Which.")
@click.option("--wait", "seconds", default=60.0, show_default=True, help="How long to wait for it.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def main(env: str, conf_file: Path | None, name: str, seconds: float, as_json: bool) -> None:
    """A process that is started later is not stopped; a further attempt of the same YARN application is."""
    settings = cli.load(env, conf_file)
    names = sorted(all_streams()) if name == "all" else [name]
    found = []
    with closing(connect(settings.postgres, "castro_spark stop")) as connection:
        for stream, stopped, words in stop_streams(connection, names, seconds):
            found.append({"stream": stream, "stopped": stopped, "words": words})
            if not as_json:
                click.echo(f"{stream}: {words}")
    if as_json:
        cli.print_json(found)
    if left := [str(f["stream"]) for f in found if not f["stopped"]]:
        raise StreamsFailed(f"not stopped: {', '.join(left)}", "see above; `status` tells who runs them")


if __name__ == "__main__":
    cli.run(main)
