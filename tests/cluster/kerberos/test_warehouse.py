"""A metastore that asks for Kerberos tickets: tables of the warehouse are extracted, in both deploy modes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

from castro_spark.local.guard import serving
from tests.cluster.hadoop import Hadoop
from tests.cluster.kerberos.conftest import Realm
from tests.cluster.kerberos.fill_warehouse import PRODUCTS
from tests.cluster.kerberos.kdc import REALM
from tests.cluster.metastore import Login, Metastore
from tests.system import System

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


def test_extract(secured_on_yarn: System, secured_cluster: Hadoop, realm: Realm, tmp_path: Path) -> None:
    principal = f"hive/localhost@{REALM}"
    login = Login(principal, realm.kdc.keytab(tmp_path / "hive.keytab", principal), realm.kdc.krb5_conf)
    with serving(Metastore(tmp_path, secured_cluster, login)):
        env = secured_on_yarn.env | {
            "PYSPARK_SUBMIT_ARGS": "--master local[2] pyspark-shell", "SPARK_HOME": str(Path(pyspark.__file__).parent),
            "PYSPARK_PYTHON": sys.executable, "SPARK_CONF_DIR": str(tmp_path),
        }  # fmt: skip
        command = [sys.executable, "-m", "tests.cluster.kerberos.fill_warehouse", str(secured_on_yarn.conf)]
        done = subprocess.run(command, env=env, check=False, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr[-5000:]
        for mode in ("client", "cluster"):
            secured_on_yarn.env["CASTRO_DEPLOY_MODE"] = mode
            output = secured_on_yarn.submit("extract", "--mode", "full", "--table", "ml_product_master", "--env", "cluster")
            assert f"1 of 1 tables done, {PRODUCTS} rows read" in output, mode
        assert secured_on_yarn.query("SELECT count(*) FROM ml_product_master") == [(PRODUCTS,)]
