"""A Hive metastore as clusters have one: a thrift server of its own, for tables on the small Hadoop's HDFS."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pyspark

from castro_spark.local.process import free_port, port_answers
from castro_spark.local.server import Server
from tests.cluster.hadoop import Hadoop, java_home, write_site

_JVM = ["-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dderby.system.durability=test"]
_OPENED = ("java.base/java.lang", "java.base/java.net", "java.security.jgss/sun.security.krb5")


@dataclass(frozen=True)
class Login:
    """The server's own in a Kerberos realm; it then asks its clients for a ticket or a token (SASL)."""

    principal: str
    keytab: Path
    krb5_conf: Path


class Metastore(Server):
    """Spark's jars contain the server. Clients find it by hive-site.xml in HADOOP_CONF_DIR, until it is stopped."""

    name = "metastore"
    ready_seconds = 90

    def __init__(self, folder: Path, hadoop: Hadoop, login: Login | None = None) -> None:
        super().__init__(folder / self.name, free_port())
        self._hadoop, self._login = hadoop, login
        self._clients_site = hadoop.folder / "conf" / "hive-site.xml"

    def prepare(self) -> None:
        conf = self.folder / "conf"
        conf.mkdir(exist_ok=True)
        shutil.copy(self._hadoop.folder / "conf" / "core-site.xml", conf)
        shared = {"hive.metastore.warehouse.dir": f"{self._hadoop.uri}/castro/warehouse"}
        server = {
            "javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={self.folder / 'derby'};create=true",
            "datanucleus.schema.autoCreateAll": "true",
            "hive.metastore.schema.verification": "false",
            "hive.async.log.enabled": "false",
        }
        if self._login:
            shared |= {"hive.metastore.sasl.enabled": "true", "hive.metastore.kerberos.principal": self._login.principal}
            server["hive.metastore.kerberos.keytab.file"] = str(self._login.keytab)
        write_site(conf / "hive-site.xml", shared | server)
        # By the name that the principal has.
        write_site(self._clients_site, shared | {"hive.metastore.uris": f"thrift://localhost:{self.port}"})

    def command(self) -> list[str]:
        jars = Path(pyspark.__file__).parent / "jars"
        main = "org.apache.hadoop.hive.metastore.HiveMetaStore"
        path = f"{self.folder / 'conf'}:{jars}/*"
        krb5 = [f"-Djava.security.krb5.conf={self._login.krb5_conf}"] if self._login else []
        opened = [f"--add-opens={package}=ALL-UNNAMED" for package in _OPENED]
        return [f"{java_home()}/bin/java", *_JVM, *krb5, *opened, "-cp", path, main, "-p", str(self.port)]

    def ready(self) -> bool:
        return port_answers(self.port)

    def env(self) -> dict[str, str]:
        return {}

    def stop(self, *, kill: bool = False) -> None:
        super().stop(kill=kill)
        self._clients_site.unlink(missing_ok=True)
