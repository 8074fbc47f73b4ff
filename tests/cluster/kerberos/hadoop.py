"""The small Hadoop of tests/cluster with Kerberos: HDFS and YARN ask every client for a ticket or a token.

What it does not have of a real secured cluster: all daemons are one process and one principal; containers run as that
process's system user (LinuxContainerExecutor, which runs them as the application's user, needs a setuid program and
such users), and could read its keytab; data nodes serve from unprivileged ports, without HTTPS; the web pages ask nobody
who they are.
"""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.hadoop import Hadoop, java_home, write_site
from tests.cluster.kerberos.kdc import REALM, Kdc

_DAEMONS = f"hadoop/localhost@{REALM}"
_WEB = f"HTTP/localhost@{REALM}"


def secured_hadoop(kdc: Kdc, *, token_renewal_seconds: int, token_life_seconds: int) -> Hadoop:
    """HDFS and YARN in the KDC's realm; their delegation tokens live so long."""

    def prepare(folder: Path) -> None:
        keytab = kdc.keytab(folder / "daemons.keytab", _DAEMONS, _WEB)
        (folder / "secret").write_text(secrets.token_hex())
        write_site(folder / "lib" / "site" / "core-site.xml", _CLIENT)
        java = str(Path(__file__).with_name("SecureIOUtils.java"))
        subprocess.run([f"{java_home()}/bin/javac", "-d", str(folder / "lib" / "site"), java], check=True)
        write_site(folder / "server.xml", _server(keytab, folder / "secret", token_renewal_seconds, token_life_seconds))

    hadoop = Hadoop(prepare, covers={Path("/etc/krb5.conf"): kdc.krb5_conf})
    write_site(hadoop.folder / "conf" / "core-site.xml", {"fs.defaultFS": hadoop.uri} | _CLIENT)
    return hadoop


# For all clients. In core-site.xml, which everything of Hadoop reads.
_CLIENT = {
    "hadoop.security.authentication": "kerberos",
    "dfs.namenode.kerberos.principal": _DAEMONS,
    "dfs.block.access.token.enable": "true",
    "dfs.data.transfer.protection": "authentication",
    "yarn.resourcemanager.principal": _DAEMONS,
}


def _server(keytab: Path, secret: Path, renewal: int, life: int) -> Mapping[str, str]:
    logins = {
        "dfs.namenode.kerberos.principal": _DAEMONS,
        "dfs.namenode.keytab.file": str(keytab),
        "dfs.datanode.kerberos.principal": _DAEMONS,
        "dfs.datanode.keytab.file": str(keytab),
        "dfs.web.authentication.kerberos.principal": _WEB,
        "dfs.web.authentication.kerberos.keytab": str(keytab),
        "yarn.resourcemanager.principal": _DAEMONS,
        "yarn.resourcemanager.keytab": str(keytab),
        "yarn.nodemanager.principal": _DAEMONS,
        "yarn.nodemanager.keytab": str(keytab),
    }
    return logins | {
        "hadoop.security.authentication": "kerberos",
        "hadoop.http.authentication.signature.secret.file": str(secret),
        "dfs.block.access.token.enable": "true",
        "dfs.data.transfer.protection": "authentication",
        "ignore.secure.ports.for.testing": "true",
        "dfs.namenode.delegation.token.renew-interval": str(renewal * 1000),
        "dfs.namenode.delegation.token.max-lifetime": str(life * 1000),
        "yarn.resourcemanager.delegation.token.renew-interval": str(renewal * 1000),
        "yarn.resourcemanager.delegation.token.max-lifetime": str(life * 1000),
        # The resource manager may get new HDFS tokens for its users' containers (localisation, log aggregation).
        "yarn.resourcemanager.proxy-user-privileges.enabled": "true",
        "hadoop.proxyuser.hadoop.hosts": "*",
        "hadoop.proxyuser.hadoop.groups": "*",
        # The metastore makes folders as its clients.
        "hadoop.proxyuser.hive.hosts": "*",
        "hadoop.proxyuser.hive.groups": "*",
    }
