"""Build what YARN's nodes need (dependencies, castro_spark), and put it on HDFS with --stage; repeats nothing."""

from __future__ import annotations

import os
from pathlib import Path

import click

from castro_spark import cli
from castro_spark.deploy.artefact import build, build_wheel, default_folder
from castro_spark.deploy.stage import stage
from castro_spark.kerberos.check import check
from castro_spark.kerberos.login import login_environment, login_options


@click.command(help=__doc__)
@cli.settings_options
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=default_folder,
              show_default="$CASTRO_HOME/packages", help="The folder of the archives and the wheel.")  # fmt: skip
@click.option("--stage", "uri", help="A folder on HDFS (hdfs://...): upload what is not there yet, with Spark's jars.")
def main(env: str, conf_file: Path | None, out: Path, uri: str | None) -> None:
    """`--env cluster` uses what was staged; without it, each start uploads.

    With --env cluster also here, it logs in to HDFS as the jobs do (kerberos).
    """
    artefacts = build(out, click.echo, spark_jars=uri is not None)
    wheel = build_wheel(Path(os.environ["CASTRO_ROOT"]), out, click.echo)
    for path in [artefacts.dependencies, artefacts.code, wheel]:
        click.echo(str(path))
    if uri is not None:
        kerberos = cli.load(env, conf_file).kerberos
        check(kerberos, os.environ)
        os.environ.update(login_environment(kerberos, os.environ))
        stage(artefacts, uri, out, click.echo, login_options(kerberos))


if __name__ == "__main__":
    cli.run(main)
