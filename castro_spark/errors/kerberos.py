"""Kerberos errors in words: what the terse texts of Java, Kafka, Hadoop and MIT's tools mean, and what to do. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Trouble:
    """A reason code, the problem and its remedy; `passes`: a later attempt may succeed."""

    reason: str
    problem: str
    remedy: str
    passes: bool = False

    def __str__(self) -> str:
        return f"{self.problem}\n  what to do: {self.remedy}"


_EXPORT = "export it from the KDC again (kadmin: ktadd), and put it where kerberos.keytab names it, on every edge node"
# Beside these, in the same line, words count that occur in other errors too.
_CONTEXT = re.compile(r"(?:GSSException|LoginException|KrbException|KerberosAuthException|kinit:)[^\n]{0,300}")
# fmt: off
# Fragments of error texts; the first match wins. These words occur in Kerberos's errors only.
_CERTAIN: tuple[tuple[tuple[str, ...], Trouble], ...] = (
    (("Clock skew too great",), Trouble(
        "kerberos_clock",
        "Kerberos: the clocks of this machine, the KDC or the server differ by more than five minutes",
        "synchronize them (chrony, ntp); the stream then goes on by itself",
        passes=True,
    )),
    (("Ticket expired", "Ticket not yet valid", "Request ticket server is not valid"), Trouble(
        "kerberos_expired",
        "Kerberos: the ticket is expired",
        "name a keytab in kerberos.keytab, with which tickets are renewed for as long as the job runs; or kinit again",
        passes=True,
    )),
    (("can't be found in cache", "SecretManager$InvalidToken"), Trouble(
        "kerberos_token_expired",
        "Hadoop: a delegation token is expired, or the name node or resource manager no longer knows it",
        "name principal and keytab in kerberos, with which Spark gets new tokens before the old ones end",
        passes=True,
    )),
    (("Pre-authentication information was invalid", "Preauthentication failed",
      "Integrity check on decrypted field failed", "Decrypt integrity check failed", "Password incorrect"), Trouble(
        "kerberos_key",
        "Kerberos: the keytab's key is not the one that the KDC has (its password or key was changed after the export)",
        _EXPORT,
    )),
    (("Client not found in Kerberos database", "not found in Kerberos database while getting initial"), Trouble(
        "kerberos_principal",
        "Kerberos: the KDC does not know the principal",
        "correct kerberos.principal (name@REALM, the realm in capitals), or have it created",
    )),
    (("Server not found in Kerberos database", "Server not found in Kerberos"), Trouble(
        "kerberos_service",
        "Kerberos: the KDC does not know the service's principal (service/host@REALM)",
        "address servers by the full host names of their principals, not by IP address or alias; for Kafka see"
        " sasl.kerberos.service.name; is the host's realm right in krb5.conf ([domain_realm])?",
    )),
    (("credentials have been revoked", "database has expired", "Password has expired", "CLIENT EXPIRED"), Trouble(
        "kerberos_revoked",
        "Kerberos: the principal, or its password, is expired or locked",
        "ask who runs the KDC to renew it; then " + _EXPORT,
    )),
    (("Unable to obtain password from user", "Keytab contains no suitable keys", "Cannot find key of appropriate type",
      "Cannot find key for type"), Trouble(
        "kerberos_keytab",
        "Kerberos: the keytab is not there, not readable, or has no usable key of the principal",
        "klist -ket KEYTAB shows its principals and encryption types; " + _EXPORT,
    )),
    (("no support for encryption type", "Bad encryption type", "encryption type not supported",
      "is not supported/enabled"), Trouble(
        "kerberos_encryption",
        "Kerberos: KDC, keytab and client have no encryption type in common",
        "use aes256-cts-hmac-sha1-96; klist -ket KEYTAB shows the keytab's types; " + _EXPORT,
    )),
    (("Cannot find KDC for realm", "Cannot locate default realm", "Configuration file does not specify default realm",
      "Can't get Kerberos realm", "Improper format of Kerberos", "Cannot locate KDC", "krb5.conf loading"), Trouble(
        "kerberos_krb5_conf",
        "Kerberos: krb5.conf is missing or incomplete: it names no KDC for the realm",
        "put the realm's krb5.conf on this machine and the nodes (/etc/krb5.conf), or name it in kerberos.krb5_conf",
    )),
    (("Cannot contact any KDC", "Cannot resolve network address for KDC"), Trouble(
        "kerberos_kdc_unavailable",
        "Kerberos: the KDC does not answer",
        "is it running, its address in krb5.conf right, and port 88 open (TCP and UDP)?",
        passes=True,
    )),
    (("SIMPLE authentication is not enabled", "Client cannot authenticate via:[TOKEN, KERBEROS]",
      "Client cannot authenticate via:[KERBEROS]", "Failed to find any Kerberos tgt"), Trouble(
        "kerberos_no_ticket",
        "Kerberos: the cluster asks for a ticket, and the job has none",
        "set kerberos.method to kerberos, with principal and keytab (conf/cluster.yaml; package: --env cluster)",
    )),
    (("fall back to SIMPLE auth",), Trouble(
        "kerberos_not_there",
        "Kerberos: the job has a ticket, but the cluster asks for none",
        "set kerberos.method to simple; or is HADOOP_CONF_DIR another cluster's?",
    )),
)
_KEY = _CERTAIN[3][1]
_IN_CONTEXT: tuple[tuple[tuple[str, ...], Trouble], ...] = (
    (("Checksum failed",), _KEY),
    (("Connection refused", "timed out", "Network is unreachable", "No route to host"), Trouble(
        "kerberos_kdc_unavailable",
        "Kerberos: the KDC does not answer",
        "is it running, its address in krb5.conf right, and port 88 open (TCP and UDP)?",
        passes=True,
    )),
    (("No valid credentials provided", "No Kerberos credentials available"), Trouble(
        "kerberos_no_ticket",
        "Kerberos: the server asks for a ticket, and the job has none",
        "set kerberos.method to kerberos, with principal and keytab",
    )),
)
# fmt: on


def kerberos_trouble(text: str) -> Trouble | None:
    """What an error text says of Kerberos; None if it is about something else."""
    for fragments, trouble in _CERTAIN:
        if any(fragment in text for fragment in fragments):
            return trouble
    beside = "\n".join(_CONTEXT.findall(text))
    for fragments, trouble in _IN_CONTEXT:
        if any(fragment in beside for fragment in fragments):
            return trouble
    return None
