"""Checks the login before a JVM starts: files by reading them, the KDC by the system's `kinit` if it is installed.

Without kinit a wrong key or an unreachable KDC is found by Spark's own login, some seconds later.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from castro_spark.errors import KerberosRefused, KerberosUnavailable, SettingsError
from castro_spark.errors.kerberos import kerberos_trouble
from castro_spark.kerberos.files import TicketCache, keytab_principals, ticket_cache
from castro_spark.sections.servers import KerberosSettings

_KRB5_CONF = "/etc/krb5.conf"
_ON_YARN = "CASTRO_ON_YARN"  # set by spark-submit.sh
_SKEW_SECONDS = 300  # what Kerberos tolerates by default
_KINIT_SECONDS = 60
_SIMPLE = "or set kerberos.method to simple, if the cluster asks for no tickets"


def check(settings: KerberosSettings, environ: Mapping[str, str]) -> None:
    """Raises SettingsError (files), KerberosRefused or KerberosUnavailable (the KDC's answer).

    With a keytab: it has the principal's keys, and the KDC gives a ticket for them. Without: the ticket cache has a
    ticket. Changes nothing.
    """
    _check_hadoop(settings, environ)
    if settings.method == "simple":
        return
    krb5_conf(settings, environ)
    if settings.keytab is None:
        _check_cache(settings, environ)
        return
    assert settings.principal is not None
    _check_keytab(settings.principal, settings.keytab)
    if shutil.which("kinit"):
        _check_kdc(settings, environ)


def krb5_conf(settings: KerberosSettings, environ: Mapping[str, str]) -> str | None:
    """The krb5.conf to give to Java, which does not know KRB5_CONFIG; None for the system's."""
    named = settings.krb5_conf or environ.get("KRB5_CONFIG")
    path = Path(named or _KRB5_CONF)
    if not path.is_file():
        key = (
            "kerberos.krb5_conf" if settings.krb5_conf else "KRB5_CONFIG" if named else "kerberos.krb5_conf is not set"
        )
        raise SettingsError(
            f"Kerberos: there is no file {path} ({key})",
            f"put the realm's krb5.conf there, or name it in kerberos.krb5_conf; {_SIMPLE}",
        )
    return named


def _check_hadoop(settings: KerberosSettings, environ: Mapping[str, str]) -> None:
    """What Hadoop's own configuration says must be the same: Spark asks for tickets only if that does."""
    folder = environ.get("HADOOP_CONF_DIR")
    site = Path(folder, "core-site.xml") if folder else None
    if site is None or not site.is_file():
        return
    try:
        entries = {
            e.findtext("name", "").strip(): e.findtext("value", "").strip() for e in ET.parse(site).iter("property")
        }
    except ET.ParseError:
        return  # Hadoop reports it
    asks = entries.get("hadoop.security.authentication", "simple").lower()
    if settings.method == "simple" and not environ.get(_ON_YARN):
        return  # a local run beside a secured cluster
    if "$" not in asks and asks != settings.method:
        raise SettingsError(
            f"kerberos.method is {settings.method}, but {site} says {asks} (hadoop.security.authentication)",
            "set kerberos.method, with principal and keytab where it is kerberos, as the cluster has it"
            if asks == "kerberos"
            else "set kerberos.method to simple; or is HADOOP_CONF_DIR another cluster's?",
        )


def _check_keytab(principal: str, keytab: str) -> None:
    try:
        data = Path(keytab).read_bytes()
    except OSError as error:
        raise SettingsError(
            f"kerberos.keytab: cannot read {keytab}: {error.strerror}",
            f"put the keytab there, readable by the user who starts jobs and by nobody else; {_SIMPLE}",
        ) from None
    try:
        principals = keytab_principals(data)
    except ValueError as error:
        raise SettingsError(f"kerberos.keytab: {keytab} {error}", "export it again (kadmin: ktadd)") from None
    if principal not in principals:
        raise SettingsError(
            f"kerberos.keytab: {keytab} has no key of {principal}; it has keys of {', '.join(principals) or 'nobody'}",
            "correct kerberos.principal (case and realm count), or name its keytab",
        )


def _check_cache(settings: KerberosSettings, environ: Mapping[str, str]) -> None:
    name = environ.get("KRB5CCNAME") or f"FILE:/tmp/krb5cc_{os.getuid()}"
    kind, _, path = name.rpartition(":")
    remedy = "set kerberos.principal and kerberos.keytab (long jobs need them); or run kinit"
    if kind not in {"", "FILE"}:
        raise SettingsError(
            f"Kerberos: Java reads no ticket cache {name} (KRB5CCNAME)", f"KRB5CCNAME=FILE:/path; {remedy}"
        )
    try:
        cache = ticket_cache(Path(path).read_bytes())
    except OSError as error:
        raise KerberosRefused(
            f"Kerberos: no keytab is set, and no ticket cache {path}: {error.strerror}", remedy
        ) from None
    except ValueError as error:
        raise KerberosRefused(f"Kerberos: {path} {error}", remedy) from None
    if settings.principal not in (None, cache.principal):
        raise KerberosRefused(
            f"Kerberos: the ticket in {path} is of {cache.principal}, not of kerberos.principal {settings.principal}",
            remedy,
        )
    if cache.ends is None or cache.ends <= datetime.now(timezone.utc):
        since = f"expired at {cache.ends.astimezone():%Y-%m-%d %H:%M:%S %Z}" if cache.ends else "missing"
        raise KerberosRefused(f"Kerberos: the ticket of {cache.principal} in {path} is {since}", remedy)


def _check_kdc(settings: KerberosSettings, environ: Mapping[str, str]) -> None:
    """A ticket by the keytab, into a cache that is removed at once."""
    assert settings.principal is not None
    assert settings.keytab is not None
    config = krb5_conf(settings, environ)
    env = {**environ, "LC_ALL": "C", **({"KRB5_CONFIG": config} if config else {})}
    who = f"the login of {settings.principal} by {settings.keytab} failed"
    with tempfile.TemporaryDirectory(prefix="castro-ticket-") as folder:
        cache = Path(folder, "cache")
        command = ["kinit", "-c", f"FILE:{cache}", "-k", "-t", settings.keytab, settings.principal]
        try:
            done = subprocess.run(
                command,
                env=env,
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_KINIT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise KerberosUnavailable(
                f"Kerberos: {who}: no answer of a KDC within {_KINIT_SECONDS} s",
                "is it running, its address in krb5.conf right, and port 88 open (TCP and UDP)?",
            ) from None
        if done.returncode:
            _raise(done.stderr.strip() or f"kinit: exit status {done.returncode}", who)
        offset = _offset(cache)
    if abs(offset) > _SKEW_SECONDS:
        raise KerberosRefused(
            f"Kerberos: this machine's clock is {abs(offset)} s {'behind' if offset > 0 else 'ahead of'} the KDC's;"
            f" more than {_SKEW_SECONDS} s are refused",
            "synchronize the clocks (chrony, ntp)",
        )


def _raise(words: str, who: str) -> None:
    trouble = kerberos_trouble(words)
    if trouble is None:
        raise KerberosRefused(
            f"Kerberos: {who}: {words}", "try kinit -k -t KEYTAB PRINCIPAL"
        )
    kind = KerberosUnavailable if trouble.passes else KerberosRefused
    raise kind(f"{trouble.problem}; {who} ({words})", trouble.remedy)


def _offset(cache: Path) -> int:
    try:
        tickets: TicketCache = ticket_cache(cache.read_bytes())
    except (OSError, ValueError):  # another kinit than MIT's may write another format
        return 0
    return tickets.clock_offset
