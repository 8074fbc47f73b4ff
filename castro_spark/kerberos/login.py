"""How Spark's JVMs log in: options and environment of spark-submit.

Spark logs the driver in by the keytab, gets delegation tokens for HDFS, YARN and the metastore, sends them to the
executors, and gets new ones before they end. Kafka's clients log in by themselves, in each JVM: with mechanism GSSAPI
the executors get the keytab too, as a file in their working directory; an environment variable tells each JVM where its
own copy is, since an option of the readers is the same for all.
"""

from __future__ import annotations

import atexit
import shlex
import shutil
import tempfile
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from castro_spark.kerberos.check import check, krb5_conf
from castro_spark.sections.servers import KAFKA_KEYTAB, KafkaSettings, KerberosSettings

_KEYTAB = "castro-keytab"  # in the containers' working directory


def log_in(kerberos: KerberosSettings, kafka: KafkaSettings, environ: MutableMapping[str, str]) -> None:
    """Checks the login, and adds it to what PySpark starts its JVM with. On the cluster the driver has one already."""
    if "PYSPARK_GATEWAY_PORT" in environ:
        return
    check(kerberos, environ)
    environ.update(login_environment(kerberos, environ))
    if options := login_options(kerberos, kafka):
        environ["PYSPARK_SUBMIT_ARGS"] = f"{shlex.join(options)} {environ.get('PYSPARK_SUBMIT_ARGS', 'pyspark-shell')}"


def login_options(kerberos: KerberosSettings, kafka: KafkaSettings | None = None) -> list[str]:
    """Options of spark-submit; with `kafka`, also for what its clients on the cluster need."""
    if kerberos.method == "simple" or kerberos.keytab is None or kerberos.principal is None:
        return []
    options = ["--principal", kerberos.principal, "--keytab", kerberos.keytab]
    if kafka is None or not kafka.logs_in_by_keytab:
        return options
    # Not --files, which may be given already; under a name of its own, since Spark sends each name once.
    settings = {
        "spark.yarn.dist.files": _link(kerberos.keytab).as_uri(),
        f"spark.executorEnv.{KAFKA_KEYTAB}": _KEYTAB,
        f"spark.yarn.appMasterEnv.{KAFKA_KEYTAB}": _KEYTAB,
    }
    return [*options, *(word for name, value in settings.items() for word in ("--conf", f"{name}={value}"))]


def hadoop_login(kerberos: KerberosSettings, environ: Mapping[str, str]) -> list[str]:
    """Checks the login; returns the options by which Hadoop's own classes log in here, whatever the environment has."""
    check(kerberos, environ)
    if kerberos.method == "simple":
        return []
    config = krb5_conf(kerberos, environ)
    java = ["--driver-java-options", f"-Djava.security.krb5.conf={Path(config).resolve()}"] if config else []
    return [*java, *login_options(kerberos)]


def login_environment(kerberos: KerberosSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """Variables for the JVM here: where krb5.conf and the keytab are."""
    if kerberos.method == "simple":
        return {}
    variables = {KAFKA_KEYTAB: str(Path(kerberos.keytab).resolve())} if kerberos.keytab else {}
    if config := krb5_conf(kerberos, environ):
        option = f"-Djava.security.krb5.conf={Path(config).resolve()}"
        before = environ.get("SPARK_SUBMIT_OPTS", "")
        variables["SPARK_SUBMIT_OPTS"] = before if option in before else f"{before} {option}".strip()
    return variables


def _link(keytab: str) -> Path:
    """The keytab under the containers' name, until this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="castro-login-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    link = folder / _KEYTAB
    link.symlink_to(Path(keytab).resolve())
    return link
