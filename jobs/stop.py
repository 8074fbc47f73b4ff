"""Ask running streams, or the loop of `extract --every`, on any host, to stop after what is under way."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from castro_spark import cli
from castro_spark.errors import StreamsFailed, UsageError
from castro_spark.sinks.postgres.connection import connect
from castro_spark.streaming.stop import EXTRACT, stop_streams
from castro_spark.streams import all_streams


@click.command(help=__doc__)
@cli.settings_options
@click.option("--stream", "name", type=click.Choice([*sorted(all_streams()), "all"]), help="The stream.")
@click.option("--extract", is_flag=True, help="The loop of `extract --every`.")
@click.option("--wait", "seconds", type=cli.Amount(0, 86_400), default=60.0, show_default=True,
              help="Seconds to wait for it.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(
    env: str, conf_file: Path | None, name: str | None, extract: bool, seconds: float, as_json: bool
) -> None:
    """Does not stop a process that starts later, but does stop further attempts of the same YARN application."""
    settings = cli.load_migrated(env, conf_file)
    if name is None and not extract:
        raise UsageError("nothing is named to stop", "give --stream NAME, --stream all or --extract")
    names = sorted(all_streams()) if name == "all" else [name] if name else []
    names += [EXTRACT] if extract else []
    results = []
    with closing(connect(settings.postgres, "castro_spark stop")) as connection:
        for stream, stopped, result in stop_streams(connection, names, seconds):
            results.append({"stream": stream, "stopped": stopped, "words": result})
            if not as_json:
                click.echo(f"{stream}: {result}")
    if as_json:
        cli.print_json(results)
    if left := [str(r["stream"]) for r in results if not r["stopped"]]:
        raise StreamsFailed(f"not stopped: {', '.join(left)}", "see above; `status` shows which process runs them")


if __name__ == "__main__":
    cli.run(main)
