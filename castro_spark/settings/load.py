"""Loads settings: conf/base.yaml, the environment's file, then CASTRO_... variables; validated, later ones override."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from castro_spark.errors import SettingsError
from castro_spark.kerberos.login import hadoop_login
from castro_spark.properties_file import parse
from castro_spark.resources import resource
from castro_spark.sections.servers import KerberosSettings
from castro_spark.security import certificates, credentials
from castro_spark.settings.invalid import invalid_settings
from castro_spark.settings.model import Settings
from castro_spark.settings.tree import at, merged, put, read_tree

# Environment variable -> path of the key it overrides.
OVERRIDES: dict[str, tuple[str, ...]] = {
    "CASTRO_KAFKA_BOOTSTRAP_SERVERS": ("kafka", "bootstrap_servers"),
    "CASTRO_KAFKA_SASL_USERNAME": ("kafka", "sasl_username"),
    "CASTRO_POSTGRES_DSN": ("postgres", "dsn"),
    "CASTRO_REDIS_URL": ("redis", "url"),
    "CASTRO_REDIS_USERNAME": ("redis", "username"),
    "CASTRO_CHECKPOINT_DIR": ("checkpoint_dir",),
    "CASTRO_ARCHIVE_DIR": ("archive", "dir"),
    "CASTRO_TIMEZONE": ("timezone",),
    "CASTRO_LOG_FORMAT": ("logging", "format"),
    "CASTRO_WAREHOUSE_DIR": ("warehouse", "embedded_dir"),
    "CASTRO_KERBEROS_METHOD": ("kerberos", "method"),
    "CASTRO_KERBEROS_PRINCIPAL": ("kerberos", "principal"),
    "CASTRO_KERBEROS_KEYTAB": ("kerberos", "keytab"),
    "CASTRO_PAGE_POSTGRES_DSN": ("page", "postgres_dsn"),
    "CASTRO_PAGE_ACTIONS_POSTGRES_DSN": ("page", "actions", "postgres_dsn"),
    "CASTRO_POSTGRES_EXECUTOR_PASSWORD_FILE": ("postgres", "executor_password_file"),
    **certificates.CA_FILES,
}
VARIABLES = tuple(OVERRIDES)
EXECUTOR_PASSWORD_FILE = "CASTRO_POSTGRES_EXECUTOR_PASSWORD_FILE"
VARIABLES_FILE = "CASTRO_VARIABLES_FILE"  # a file of variables, for a driver that runs on the cluster (deploy/shipping)


def load_settings(
    env: str = "local", conf_file: Path | str | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Merges conf/base.yaml, the file of environment `env` or `conf_file`, and the variables; later ones override.

    Raises SettingsError, which names the file, the key and the valid values.
    """
    environ = _with_file(os.environ if environ is None else environ)
    path = Path(conf_file) if conf_file else resource(f"conf/{env}.yaml")
    above = read_tree(path)
    credentials.refuse_in_file(above, path)
    tree = merged(read_tree(resource("conf/base.yaml")), above)
    origins: dict[str, str] = {}
    for variable, key in OVERRIDES.items():
        if environ.get(variable):
            put(tree, key, environ[variable])
            origins[".".join(key)] = variable

    def login() -> Sequence[str]:
        try:
            kerberos = KerberosSettings.model_validate(tree.get("kerberos"))
        except ValidationError as error:
            raise invalid_settings(error, path, origins, "kerberos") from None
        return hadoop_login(kerberos, environ)

    for variable, key in credentials.SECRETS.items():
        secret = credentials.read_secret(variable, environ, login)
        if secret is not None:
            put(tree, key, secret)
            origins[".".join(key)] = variable
    for variable, key in credentials.alert_secrets(environ).items():
        if isinstance(at(tree, key[:-1]), dict):  # else a channel of other settings
            put(tree, key, credentials.read_secret(variable, environ, login))
            origins[".".join(key)] = variable
    if file := environ.get(credentials.KAFKA_OPTIONS_FILE):
        put(tree, ("kafka", "secret_options"), credentials.read_options_file(file, login))
        put(tree, ("kafka", "options_file"), _as_nodes_see(file, environ))
    certificates.put_certificates(tree, lambda key: origins.get(key, f"{path}: {key}"), login)
    kerberos = tree.get("kerberos")
    if isinstance(kerberos, dict) and kerberos.get("method") == "kerberos" and kerberos.get("keytab"):
        put(tree, ("kafka", "kerberos_principal"), kerberos.get("principal"))
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise invalid_settings(error, path, origins) from None


def _as_nodes_see(file: str, environ: Mapping[str, str]) -> str:
    """A file's path for clients on the nodes too. YARN puts a file that was sent into each container's own folder."""
    path = file.removeprefix("local:")
    return path if VARIABLES_FILE in environ or "://" in path else str(Path(path).resolve())


def _with_file(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The variables, and those in the file that VARIABLES_FILE names."""
    path = environ.get(VARIABLES_FILE)
    if not path:
        return environ
    try:
        return {**parse(credentials.read_secret_file(VARIABLES_FILE, path)), **environ}
    except ValueError as error:
        raise SettingsError(f"{VARIABLES_FILE}: {path}, {error}", "write one NAME=value per line") from None
