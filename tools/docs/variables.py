"""docs/reference/environment.md: every environment variable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from castro_spark import settings
from castro_spark.security import credentials
from tools.docs import markdown
from tools.docs.settings import Key, keys, of_secrets, overrides

_INTRODUCTION = """\
These win over the files of the [settings](settings.md). Each sets one key; an empty variable counts as unset.
TLS, users and their least rights: [security](../security.md); logins: [Kerberos](../kerberos.md); the page's
roles: [the page](../page.md)."""
_SECRETS = """\
A secret is in a variable, in a file that the variable with `_FILE` names (here, on HDFS, or a credential of
Hadoop's: `jceks://hdfs@HOST:PORT/PATH#ALIAS`), or where the server's own client looks: for PostgreSQL a
passfile, a service or a certificate. It is never in a settings file, a URL or an argument;
[secrets](../design/secrets.md) says where it goes."""
_ALERTS = """\
Of a channel of `alerts.channels`, by its name in capitals: CASTRO_ALERTS_{CHANNEL}_PASSWORD, _TOKEN or _URL, or
each with `_FILE`."""
_FURTHER = {
    credentials.KAFKA_OPTIONS_FILE: "A file of Kafka client options with secrets, one `name=value` a line: "
    "ssl.keystore.password, ssl.keystore.key, sasl.jaas.config ...",
    settings.VARIABLES_FILE: "A file of variables, one `NAME=value` a line: for a driver that runs on the cluster. "
    "Variables that are set win over it",
}
_DOOR = """\
`spark-submit.sh` reads these itself, before a job starts. The head of the script has the same list."""


def page(root: Path) -> str:
    """The page; `root`: the repository, for the head of spark-submit.sh."""
    known = {key.name: key for key in keys()}
    found = overrides()
    head = ["variable", "key", "meaning"]
    rows = [[markdown.code(name), _link(key), _meaning(known.get(key))] for name, key in sorted(found.items())]
    secrets = [
        [f"{markdown.code(name)}, {markdown.code(f'{name}_FILE')}", markdown.code(key), _OF_WHAT.get(key, "")]
        for name, key in sorted(of_secrets().items())
    ]
    files = [[markdown.code(name), words] for name, words in _FURTHER.items()]
    door = [[markdown.code(name), markdown.fragment(words)] for name, words in door_variables(root)]
    return markdown.page(
        "Environment variables",
        _INTRODUCTION,
        markdown.table(head, rows),
        "## Secrets",
        _SECRETS,
        markdown.table(["variable", "sets", "what"], secrets),
        _ALERTS,
        "## Files",
        markdown.table(["variable", "meaning"], files),
        "## Of the preparation and the start",
        _DOOR,
        markdown.table(["variable", "meaning"], door),
    )


_OF_WHAT = {
    "postgres.password": "of the user in `postgres.dsn`",
    "redis.password": "of the user `redis.username`, or of Redis without users",
    "kafka.sasl_password": "of `kafka.sasl_username`: PLAIN or SCRAM",
    "page.password": "what visitors of the page must know",
    "page.postgres_password": "of the user in `page.postgres_dsn`",
    "page.actions.postgres_password": "of the user in `page.actions.postgres_dsn`",
}


def door_variables(root: Path) -> Iterator[tuple[str, str]]:
    """The variables in the head of spark-submit.sh."""
    text = (root / "spark-submit.sh").read_text("utf-8").partition("# Environment:\n")[2].partition("#\n")[0]
    for name, words in re.findall(r"^#   (CASTRO_\S+) +(.+(?:\n#    +.+)*)", text, re.MULTILINE):
        yield name, re.sub(r"\n# +", " ", words)


def _link(key: str) -> str:
    section = key.partition(".")[0] if "." in key else "at-the-top"
    return f"[`{key}`](settings.md#{section})"


def _meaning(key: Key | None) -> str:
    return markdown.fragment(key.meaning) if key else ""
