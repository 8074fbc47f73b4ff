"""Reads secrets, and rejects them in any other place. No error message here contains a value.

Secrets come from variables (CASTRO_..._PASSWORD), files (CASTRO_..._PASSWORD_FILE, CASTRO_KAFKA_OPTIONS_FILE) or
Hadoop's credential providers, never from settings files, URLs or connection strings. Those of the alerts' channels are
in CASTRO_ALERTS_{CHANNEL}_PASSWORD, _TOKEN or _URL, or files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

import psycopg2
import psycopg2.extensions

from castro_spark.errors import CastroError, SettingsError, in_words
from castro_spark.hadoop.jvm import hadoop_jvm
from castro_spark.hadoop.shell import hadoop
from castro_spark.properties_file import parse

# Options of spark-submit by which a file or key store on HDFS is read (kerberos/login). Asked for only if there is one.
Login = Callable[[], Sequence[str]]


def nobody() -> Sequence[str]:
    """A cluster without Kerberos, or the user's ticket."""
    return ()


# Environment variable (or the same with _FILE) -> the setting.
SECRETS: dict[str, tuple[str, ...]] = {
    "CASTRO_POSTGRES_PASSWORD": ("postgres", "password"),
    "CASTRO_REDIS_PASSWORD": ("redis", "password"),
    "CASTRO_KAFKA_SASL_PASSWORD": ("kafka", "sasl_password"),
    "CASTRO_PAGE_PASSWORD": ("page", "password"),
    "CASTRO_PAGE_POSTGRES_PASSWORD": ("page", "postgres_password"),
    "CASTRO_PAGE_ACTIONS_POSTGRES_PASSWORD": ("page", "actions", "postgres_password"),
}
KAFKA_OPTIONS_FILE = "CASTRO_KAFKA_OPTIONS_FILE"
_KAFKA_SECRETS = ("kafka", "secret_options")
_ALERTS = ("alerts", "channels")
_ALERT_VARIABLE = re.compile(r"(CASTRO_ALERTS_([A-Z][A-Z0-9_]*)_(PASSWORD|TOKEN|URL))(?:_FILE)?")
_ALERT_KEYS = {"PASSWORD": "password", "TOKEN": "token", "URL": "secret_url"}

_PROVIDER = re.compile(r"(?:local)?(?:jceks|bcfks)://")  # Hadoop's credential providers that are key stores

_SECRET_NAME = re.compile(r"passw|passphrase|secret|token|credential|keystore\.key|user\.info", re.IGNORECASE)
_SECRET_IN_JAAS = re.compile(r"(password|secret|token)\w*\s*=(?!\s*\"?\$\{)", re.IGNORECASE)
_REFERENCE = re.compile(r"^\s*\$\{[^}]+\}\s*$")  # a config provider's reference, which Kafka's client resolves
# Options whose names match _SECRET_NAME but whose values are not secrets: locations, types and the like.
_NOT_SECRET = re.compile(r"\.(location|type|class|url|id|scope|file|seconds|ms|name|path)$", re.IGNORECASE)


def is_secret_option(name: str, value: str) -> bool:
    """Whether a Kafka client option contains a secret in clear text."""
    if _REFERENCE.match(value):
        return False
    if name.lower().endswith("jaas.config"):
        return bool(_SECRET_IN_JAAS.search(value))
    return bool(_SECRET_NAME.search(name)) and not _NOT_SECRET.search(name)


def read_secret(variable: str, environ: Mapping[str, str], login: Login = nobody) -> str | None:
    """The secret in `variable`, or in the file that `variable`_FILE names; None if neither is set."""
    if environ.get(variable):
        return environ[variable]
    path = environ.get(f"{variable}_FILE")
    if not path:
        return None
    if is_provider(path):
        return _from_provider(f"{variable}_FILE", path, login)
    secret = read_secret_file(f"{variable}_FILE", path, login).rstrip("\r\n")
    if not secret:
        raise SettingsError(f"{variable}_FILE: {path} is empty", "write the password into it")
    return secret


def alert_secrets(environ: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The variables with secrets of channels, without _FILE, that `environ` has; and the setting of each."""
    found = [match for name in sorted(environ) if (match := _ALERT_VARIABLE.fullmatch(name))]
    return {match[1]: (*_ALERTS, match[2].lower(), _ALERT_KEYS[match[3]]) for match in found}


def is_provider(path: str) -> bool:
    """Whether a variable's file is a credential of Hadoop's: jceks://hdfs@HOST:PORT/PATH#ALIAS and the like."""
    return bool(_PROVIDER.match(path))


def _from_provider(setting: str, place: str, login: Login) -> str:
    """By Hadoop's own classes: a JVM for each, about two seconds."""
    uri, _, alias = place.partition("#")
    remedy = "hadoop credential list -provider PROVIDER tells its aliases; PROVIDER#ALIAS is what to name here"
    if not alias:
        raise SettingsError(f"{setting}: {uri} names no alias", remedy)
    with hadoop_jvm(login()) as jvm:
        try:
            conf = jvm.org.apache.hadoop.conf.Configuration()
            providers = jvm.org.apache.hadoop.security.alias.CredentialProviderFactory
            conf.set(providers.CREDENTIAL_PROVIDER_PATH, uri)
            entry = providers.getProviders(conf)[0].getCredentialEntry(alias)
            secret = None if entry is None else jvm.java.lang.String(entry.getCredential())
        except Exception as error:  # py4j's, whose module is not loaded without a JVM
            if not hasattr(error, "java_exception"):
                raise
            raise SettingsError(f"{setting}: cannot read {uri}: {in_words(error)}", remedy) from None
    if not secret:
        raise SettingsError(f"{setting}: {uri} has no credential {alias}", remedy)
    return str(secret)


def read_secret_file(setting: str, path: str, login: Login = nobody) -> str:
    """The text of a file with a secret, here or on HDFS; `setting` identifies it in errors."""
    if "://" in path:
        return _read_on_hdfs(setting, path, login)
    try:
        return Path(path.removeprefix("local:")).read_text(encoding="utf-8")  # as Spark names files on the nodes
    except OSError as error:
        raise SettingsError(f"{setting}: cannot read {path}: {error.strerror}", "name a readable file") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{setting}: {path} is not UTF-8 text", "name a file with only the secret") from None


def _read_on_hdfs(setting: str, uri: str, login: Login) -> str:
    """On YARN the containers have such a file already; this is for the jobs that run beside the cluster, as `stop`."""
    try:
        return hadoop("-cat", uri, login=login())
    except CastroError as error:
        raise SettingsError(f"{setting}: cannot read {uri}: {error.problem}", error.remedy) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{setting}: {uri} is not UTF-8 text", "name a file with only the secret") from None


def read_options_file(path: str, login: Login = nobody) -> dict[str, str]:
    """Kafka client options from a file in the format of Kafka's client.properties."""
    try:
        return parse(read_secret_file(KAFKA_OPTIONS_FILE, path, login))
    except ValueError as error:
        raise SettingsError(f"{KAFKA_OPTIONS_FILE}: {path}, {error}", "write one name=value per line") from None


def refuse_in_file(tree: Mapping[str, Any], path: Path) -> None:
    """Raises SettingsError if a settings file contains a secret."""
    for variable, key in SECRETS.items():
        if _at(tree, key) is not None:
            raise SettingsError(
                f"{path}: {'.'.join(key)}: a settings file must not hold secrets",
                f"take it out, and set {variable} or {variable}_FILE",
            )
    if _at(tree, _KAFKA_SECRETS) is not None:
        raise SettingsError(
            f"{path}: {'.'.join(_KAFKA_SECRETS)}: a settings file must not hold secrets",
            f"take it out, and name a file of such options in {KAFKA_OPTIONS_FILE}",
        )
    channels = _at(tree, _ALERTS)
    for name in channels if isinstance(channels, Mapping) else ():
        for suffix, item in _ALERT_KEYS.items():
            if _at(channels, (name, item)) is not None:
                variable = f"CASTRO_ALERTS_{str(name).upper()}_{suffix}"
                raise SettingsError(
                    f"{path}: {'.'.join(_ALERTS)}.{name}.{item}: a settings file must not hold secrets",
                    f"take it out, and set {variable} or {variable}_FILE",
                )


def _at(tree: Any, key: tuple[str, ...]) -> Any:
    for part in key:
        if not isinstance(tree, Mapping):
            return None
        tree = tree.get(part)
    return tree


def check_kafka_options(options: Mapping[str, str]) -> None:
    """Raises ValueError if options of a settings file contain a secret."""
    for name, value in options.items():
        if is_secret_option(name, value):
            raise ValueError(
                f"{name} holds a secret: take it out; set kafka.sasl_username and CASTRO_KAFKA_SASL_PASSWORD, or put it"
                f" into the file that {KAFKA_OPTIONS_FILE} names"
            )


def check_dsn(dsn: str) -> None:
    """Raises ValueError if `dsn` is not a libpq connection string, or contains a secret."""
    try:
        parts = psycopg2.extensions.parse_dsn(dsn)
    except psycopg2.Error:
        # libpq's message may quote a part of the string.
        raise ValueError("is no libpq connection string: write host=... port=... dbname=... user=...") from None
    if "password" in parts:
        raise ValueError("must hold no password: use CASTRO_POSTGRES_PASSWORD or ..._PASSWORD_FILE")
    if secret := [name for name in parts if name in {"sslpassword", "oauth_client_secret"}]:
        raise ValueError(f"must hold no {secret[0]}: keep it in a service file (service=..., PGSERVICEFILE)")


def _split(url: str, form: str) -> tuple[SplitResult, list[tuple[str, str]]]:
    """The parts of a URL and of its query; ValueError, which tells the `form`, if it is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port
        return parts, parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        raise ValueError(f"is no URL: write {form}") from None


def check_http_url(url: str) -> None:
    """Raises ValueError, which does not quote `url`, if that is no URL of HTTP or HTTPS."""
    form = "https://host/path"
    parts, _ = _split(url, form)
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"[\x00-\x20\x7f]", url):
        raise ValueError(f"is no URL: write {form}")


def check_webhook_url(url: str) -> None:
    """Raises ValueError if `url` is not a URL, or contains a user or a secret in its query."""
    check_http_url(url)
    parts, query = _split(url, "https://host/path")
    if "@" in parts.netloc:
        raise ValueError("must hold no user and no password: use CASTRO_ALERTS_{CHANNEL}_TOKEN or ..._URL")
    if any(re.search(r"pass|secret|token|credential|auth|key|sig", name, re.IGNORECASE) for name, _ in query):
        raise ValueError("must hold no secret in its query: put the whole URL into CASTRO_ALERTS_{CHANNEL}_URL")


def check_redis_url(url: str) -> None:
    """Raises ValueError if `url` is not a Redis URL, or contains a user or a secret anywhere."""
    parts, query = _split(url, "redis://host:port/db, rediss://... or unix:///path")
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must begin with redis://, rediss:// or unix://")
    if "@" in url:
        raise ValueError("must hold no user and no password: use redis.username, and CASTRO_REDIS_PASSWORD or ..._FILE")
    if parts.fragment or "#" in url:
        raise ValueError("must have no part after #: a password goes into CASTRO_REDIS_PASSWORD or ..._FILE")
    for name, _ in query:
        if name.lower() == "username":
            raise ValueError("must hold no user: use redis.username")
        if re.search(r"pass|secret|token|credential|auth", name, re.IGNORECASE):
            raise ValueError("must hold no password in its query: use CASTRO_REDIS_PASSWORD or ..._FILE")
