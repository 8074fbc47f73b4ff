"""Settings and secrets of a driver that runs on the cluster (deploy mode `cluster`), which has no environment of ours.

Spark's option --files carries them: YARN copies them to a folder of the application on HDFS that only its user can
read, from there to each container's working directory, and removes them with the application. Nothing of it is an
argument, a configuration property or an environment variable; only the files' names are.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from castro_spark.errors import SettingsError
from castro_spark.kerberos.login import hadoop_login
from castro_spark.properties_file import format_properties
from castro_spark.resources import resource
from castro_spark.security import certificates, credentials
from castro_spark.settings import EXECUTOR_PASSWORD_FILE, VARIABLES, VARIABLES_FILE, Settings

_SETTINGS = "castro-settings.yaml"
_VARIABLES = "castro-variables.properties"
_SECRETS = tuple(name for name, key in credentials.SECRETS.items() if key[0] != "page")  # the page runs at the caller
_KAFKA_OPTIONS = "castro-kafka-options"
_ON_NODES = "local:"


@dataclass(frozen=True)
class Shipment:
    """The arguments of spark-submit that carry the files, and the job's arguments as they are on the cluster."""

    submit: tuple[str, ...]
    job: tuple[str, ...]


def ship(environ: Mapping[str, str], job: Sequence[str], folder: Path, settings: Settings | None = None) -> Shipment:
    """Copies settings and secrets into `folder`, private and emptied by the caller, under names of its own.

    `settings`, loaded here, may name further files: those of the servers' authorities (kafka.ca_file and the like).
    """
    files: list[str] = []
    variables = {name: environ[name] for name in VARIABLES if environ.get(name)}
    login = partial(hadoop_login, settings.kerberos, environ) if settings else credentials.nobody

    def send(source: str, name: str) -> str:
        """The path on the nodes of a file that is here, on them already (local:) or on HDFS."""
        if source.startswith(_ON_NODES):
            return source
        files.append(f"{source}#{name}" if "://" in source else str(_copy(source, folder / name)))
        return name

    for variable in (*_SECRETS, *credentials.alert_secrets(environ)):
        name = variable.lower().replace("_", "-")
        provided = credentials.is_provider(environ.get(f"{variable}_FILE", ""))
        if secret := credentials.read_secret(variable, environ, login) if provided else environ.get(variable):
            _write(folder / name, secret)
            files.append(str(folder / name))
            variables[f"{variable}_FILE"] = name
        elif source := environ.get(f"{variable}_FILE"):
            variables[f"{variable}_FILE"] = send(source, name)
    if source := environ.get(credentials.KAFKA_OPTIONS_FILE):
        variables[credentials.KAFKA_OPTIONS_FILE] = send(source, _KAFKA_OPTIONS)
    for variable, key in certificates.CA_FILES.items():
        if source := environ.get(variable) or (settings and getattr(settings, key[0]).ca_file) or "":
            variables[variable] = send(source, f"castro-{key[0]}-ca.pem")
    # The executors have the file too: the password need not be sent with each task.
    if path := variables.get("CASTRO_POSTGRES_PASSWORD_FILE"):
        variables.setdefault(EXECUTOR_PASSWORD_FILE, path)
    arguments = list(job)
    for i, word in enumerate(arguments):
        if word == "--conf-file" and i + 1 < len(arguments):
            arguments[i + 1] = send(arguments[i + 1], _SETTINGS)
        elif word.startswith("--conf-file="):
            arguments[i] = f"--conf-file={send(word.partition('=')[2], _SETTINGS)}"
    _write(folder / _VARIABLES, format_properties(variables))
    files += [str(folder / _VARIABLES), str(resource("conf/fairscheduler.xml"))]  # Spark finds it on the class path
    return Shipment(
        ("--files", ",".join(files), "--conf", f"spark.yarn.appMasterEnv.{VARIABLES_FILE}={_VARIABLES}"),
        tuple(arguments),
    )


def checkable(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with which settings can be checked here: a secret that is elsewhere is assumed to be there."""
    here = dict(environ)
    for variable in (*_SECRETS, *credentials.alert_secrets(environ)):
        if _elsewhere(here.get(f"{variable}_FILE", "")):
            here[variable] = "elsewhere"
    for variable in certificates.CA_FILES:
        if _elsewhere(here.get(variable, "")):
            del here[variable]
    if _elsewhere(here.get(credentials.KAFKA_OPTIONS_FILE, "")):
        here[credentials.KAFKA_OPTIONS_FILE] = os.devnull
    return here


def _elsewhere(path: str) -> bool:
    return path.startswith(_ON_NODES) or "://" in path


def _copy(source: str, target: Path) -> Path:
    try:
        data = Path(source).read_bytes()
    except OSError as error:
        raise SettingsError(
            f"cannot read {source}: {error.strerror}",
            "name a readable file; local:/path for one on every node, hdfs://... for one that only you can read there",
        ) from None
    with os.fdopen(_private(target), "wb") as file:
        file.write(data)
    return target


def _write(path: Path, text: str) -> None:
    with os.fdopen(_private(path), "w", encoding="utf-8") as file:
        file.write(text)


def _private(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
