"""Write a settings file for your own cluster, from HADOOP_CONF_DIR and a few answers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from castro_spark import cli
from castro_spark.deploy.first_settings import (
    Answers,
    kafka_servers,
    next_steps,
    postgres_dsn,
    redis_url,
    settings_text,
)
from castro_spark.errors import SettingsError, UsageError
from castro_spark.hadoop.conf import HadoopConf, read_hadoop_conf
from castro_spark.security import credentials
from castro_spark.settings import load_settings

_KEYTAB = "/etc/security/keytabs/inventory-ml.keytab"
_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")


def _checked(
    form: Callable[[str], str], check: Callable[[str], None] | None = None
) -> Callable[[click.Context | None, click.Parameter | None, str | None], str | None]:
    """An option's value in its final form; a value that holds a secret, or is no address, is refused."""

    def callback(_: click.Context | None, __: click.Parameter | None, text: str | None) -> str | None:
        if text is None:
            return None
        try:
            value = form(text)
            if check is not None:
                check(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
        return value

    return callback


_kafka = _checked(kafka_servers)
_postgres = _checked(postgres_dsn, credentials.check_dsn)
_redis = _checked(redis_url, credentials.check_redis_url)
_text = _checked(str.strip)


@click.command(help=__doc__)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=Path("castro.yaml"), show_default=True,
              help="The file to write; one that exists is not overwritten.")  # fmt: skip
@click.option("--hadoop-conf", type=click.Path(file_okay=False, path_type=Path), envvar="HADOOP_CONF_DIR",
              help="The folder of core-site.xml, yarn-site.xml ... [default: $HADOOP_CONF_DIR]")  # fmt: skip
@click.option("--kafka", callback=_kafka, help="Brokers: host[:port],...")
@click.option("--kafka-security", type=click.Choice(_PROTOCOLS), default="PLAINTEXT", show_default=True)
@click.option("--postgres", callback=_postgres, help="host[:port], or a libpq connection string without password.")
@click.option("--redis", callback=_redis, help="host[:port], or a URL without user and password.")
@click.option("--principal", help="The jobs' principal, name@REALM; needed if Hadoop's authentication is Kerberos.")
@click.option("--keytab", default=_KEYTAB, show_default=True, help="Its keytab, on each machine that starts jobs.")
@click.option("--timezone", default="America/Sao_Paulo", show_default=True, help="The local calendar's.")
@click.option("--archive/--no-archive", default=True, show_default=True, help="Keep every record as received.")
@click.option("--yes", is_flag=True, help="Ask nothing: what is not given is an error.")
def main(
    out: Path, hadoop_conf: Path | None, kafka: str | None, kafka_security: str, postgres: str | None,
    redis: str | None, principal: str | None, keytab: str, timezone: str, archive: bool, yes: bool,
) -> None:  # fmt: skip
    """Writes one file, or nothing. Exit status 2 for a missing or wrong answer."""
    if out.exists():
        raise UsageError(f"{out} exists", "name another file with --out, or remove it")
    hadoop = _hadoop(hadoop_conf)
    for line in (
        f"name node         {hadoop.default_fs}",
        f"resource manager  {', '.join(f'{host}:{port}' for host, port in hadoop.resource_managers())}",
        f"authentication    {hadoop.authentication}",
    ):
        click.echo(line)
    secured = hadoop.authentication == "kerberos"
    answers = Answers(
        kafka=_answer(kafka, "--kafka", "Kafka's brokers (host[:port],...)", _kafka, yes=yes),
        postgres=_answer(postgres, "--postgres", "PostgreSQL (host[:port])", _postgres, yes=yes),
        redis=_answer(redis, "--redis", "Redis (host[:port])", _redis, yes=yes),
        timezone=timezone,
        archive=archive,
        kafka_security=kafka_security,
        principal=_answer(principal, "--principal", "The principal (name@REALM)", _text, yes=yes) if secured else None,
        keytab=keytab if secured else None,
    )
    text = settings_text(answers, hadoop)
    _check(text, out.name)
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}", "name another file with --out") from None
    click.echo(f"{out} is written. Next:")
    for step in next_steps(str(out), answers, hadoop, str(hadoop.folders[0])):
        click.echo(f"    {step}")


def _hadoop(folder: Path | None) -> HadoopConf:
    conf = read_hadoop_conf({**os.environ, "HADOOP_CONF_DIR": str(folder.resolve()) if folder else ""})
    if conf is None:
        raise UsageError(
            "HADOOP_CONF_DIR is not set", "name the folder of the cluster's core-site.xml in it, or in --hadoop-conf"
        )
    if not conf.default_fs or not conf.resource_managers():
        missing = "fs.defaultFS" if not conf.default_fs else "a resource manager"
        raise SettingsError(f"{conf.folders[0]}: no file names {missing}", "is it the cluster's configuration?")
    return conf


def _answer(given: str | None, option: str, question: str, checked: Callable[..., str | None], *, yes: bool) -> str:
    if given is not None:
        return given
    if yes:
        raise UsageError(f"{option} is not given", f"name it: {question}")
    return str(click.prompt(question, value_proc=lambda text: checked(None, None, text)))


def _check(text: str, name: str) -> None:
    """Loads the text as the jobs will, without variables; raises SettingsError that names the key."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_text(text, encoding="utf-8")
        try:
            load_settings(conf_file=path, environ={})
        except SettingsError as error:
            # Of a file that is gone: nobody could open it.
            problem = error.problem.replace(f"{path} (over base.yaml): ", "")
            raise SettingsError(problem, f"correct that answer; {name} was not written") from None


if __name__ == "__main__":
    cli.run(main)
