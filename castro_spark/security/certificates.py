"""Certificates of the authorities that sign the servers' certificates: read from a PEM file when settings are loaded.

Their text goes where they are needed, executors included: no file has to be on the nodes. They are not secret.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from typing import Any

from castro_spark.errors import SettingsError
from castro_spark.security.credentials import Login, nobody, read_secret_file

# Variable -> the setting.
CA_FILES: dict[str, tuple[str, ...]] = {
    "CASTRO_KAFKA_CA_FILE": ("kafka", "ca_file"),
    "CASTRO_POSTGRES_CA_FILE": ("postgres", "ca_file"),
    "CASTRO_REDIS_CA_FILE": ("redis", "ca_file"),
}
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def put_certificates(tree: Mapping[str, Any], where: Callable[[str], str], login: Login) -> None:
    """Puts the content of each `ca_file` beside it, as `ca_certificates`; `where` names a setting in errors."""
    for section, key in CA_FILES.values():
        values = tree.get(section)
        if isinstance(values, dict) and isinstance(values.get(key), str) and values[key]:
            values["ca_certificates"] = read_certificates(where(f"{section}.{key}"), values[key], login)


def read_certificates(setting: str, path: str, login: Login = nobody) -> str:
    """The certificates in a PEM file, without anything else in it; `setting` identifies it in errors."""
    found = _CERTIFICATE.findall(read_secret_file(setting, path, login))
    remedy = "name a PEM file with the authority's certificate (-----BEGIN CERTIFICATE-----)"
    if not found:
        raise SettingsError(f"{setting}: {path} has no certificate", remedy)
    text = "".join(f"{certificate}\n" for certificate in found)
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError):
        raise SettingsError(f"{setting}: {path} has a certificate that cannot be read", remedy) from None
    return text
