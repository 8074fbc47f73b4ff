"""A Hive metastore as clusters have one: a thrift server of its own, for tables on the small Hadoop's HDFS."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

import pyspark

from castro_spark.local.guard import Guard
from castro_spark.local.process import free_port, port_answers
from castro_spark.local.server import Server
from tests.cluster.hadoop import Hadoop, java_home

_JVM = ["-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dderby.system.durability=test"]
_OPENED = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in ("lang", "net")]


class Metastore(Server):
    """Spark's jars contain the server. It ends with this process; clients find it by hive-site.xml in HADOOP_CONF_DIR."""

    name = "metastore"
    ready_seconds = 90

    def __init__(self, folder: Path, hadoop: Hadoop) -> None:
        super().__init__(folder / self.name, free_port())
        self._hadoop = hadoop
        self._guard = Guard(folder)

    def prepare(self) -> None:
        conf = self.folder / "conf"
        conf.mkdir(exist_ok=True)
        shutil.copy(self._hadoop.folder / "conf" / "core-site.xml", conf)
        tables = {"hive.metastore.warehouse.dir": f"{self._hadoop.uri}/castro/warehouse"}
        server = {
            "javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={self.folder / 'derby'};create=true",
            "datanucleus.schema.autoCreateAll": "true",
            "hive.metastore.schema.verification": "false",
            "hive.async.log.enabled": "false",
        }
        write_site(conf / "hive-site.xml", tables | server)
        uris = {"hive.metastore.uris": f"thrift://127.0.0.1:{self.port}"}
        write_site(self._hadoop.folder / "conf" / "hive-site.xml", tables | uris)

    def command(self) -> list[str]:
        jars = Path(pyspark.__file__).parent / "jars"
        main = "org.apache.hadoop.hive.metastore.HiveMetaStore"
        path = f"{self.folder / 'conf'}:{jars}/*"
        return [f"{java_home()}/bin/java", *_JVM, *_OPENED, "-cp", path, main, "-p", str(self.port)]

    def ready(self) -> bool:
        return port_answers(self.port)

    def env(self) -> dict[str, str]:
        return {}

    def start(self) -> bool:
        self._guard.watch([self.name])
        return super().start()

    def end(self) -> None:
        self.stop(kill=True)
        self._guard.dismiss()


def write_site(path: Path, settings: Mapping[str, str]) -> None:
    """A configuration file as Hadoop reads it."""
    lines = [f"<property><name>{escape(k)}</name><value>{escape(v)}</value></property>" for k, v in settings.items()]
    path.write_text("<configuration>\n" + "\n".join(lines) + "\n</configuration>\n", encoding="utf-8")
