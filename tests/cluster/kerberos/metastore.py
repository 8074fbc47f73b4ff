"""A Hive metastore (thrift, SASL) in the realm: a server of its own, for tables on the secured HDFS."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyspark

from castro_spark.local.guard import Guard
from castro_spark.local.process import free_port, port_answers
from castro_spark.local.server import Server
from tests.cluster.hadoop import Hadoop, java_home
from tests.cluster.kerberos.hadoop import write_site
from tests.cluster.kerberos.kdc import REALM, Kdc

_PRINCIPAL = f"hive/localhost@{REALM}"
_OPENED = ("java.base/java.lang", "java.base/java.net", "java.security.jgss/sun.security.krb5")


class SecuredMetastore(Server):
    """Clients find it by hive-site.xml in HADOOP_CONF_DIR. It ends with this process."""

    name = "metastore"
    ready_seconds = 90

    def __init__(self, folder: Path, hadoop: Hadoop, kdc: Kdc) -> None:
        super().__init__(folder / self.name, free_port())
        self._hadoop, self._kdc = hadoop, kdc
        self._guard = Guard(folder)

    def prepare(self) -> None:
        keytab = self._kdc.keytab(self.folder / "hive.keytab", _PRINCIPAL)
        conf = self.folder / "conf"
        conf.mkdir(exist_ok=True)
        shutil.copy(self._hadoop.folder / "conf" / "core-site.xml", conf)
        shared = {
            "hive.metastore.warehouse.dir": f"{self._hadoop.uri}/castro/warehouse",
            "hive.metastore.sasl.enabled": "true",
            "hive.metastore.kerberos.principal": _PRINCIPAL,
        }
        server = {
            "hive.metastore.kerberos.keytab.file": str(keytab),
            "javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={self.folder / 'derby'};create=true",
            "datanucleus.schema.autoCreateAll": "true",
            "hive.metastore.schema.verification": "false",
            "hive.async.log.enabled": "false",
        }
        write_site(conf / "hive-site.xml", shared | server)
        uris = {"hive.metastore.uris": f"thrift://localhost:{self.port}"}
        write_site(self._hadoop.folder / "conf" / "hive-site.xml", shared | uris)

    def command(self) -> list[str]:
        return [
            f"{java_home()}/bin/java", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
            "-Dderby.system.durability=test", f"-Djava.security.krb5.conf={self._kdc.krb5_conf}",
            *(f"--add-opens={package}=ALL-UNNAMED" for package in _OPENED),
            "-cp", f"{self.folder / 'conf'}:{Path(pyspark.__file__).parent / 'jars'}/*",
            "org.apache.hadoop.hive.metastore.HiveMetaStore", "-p", str(self.port),
        ]  # fmt: skip

    def ready(self) -> bool:
        return port_answers(self.port)

    def env(self) -> dict[str, str]:
        return {}

    def start(self) -> bool:
        self._guard.watch([self.name])
        return super().start()

    def end(self) -> None:
        """Stops it; clients are not told of it any more."""
        self.stop(kill=True)
        self._guard.dismiss()
        (self._hadoop.folder / "conf" / "hive-site.xml").unlink()
