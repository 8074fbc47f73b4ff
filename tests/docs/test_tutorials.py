"""The tutorials are followed in a copy of the checkout, by its own ./spark-submit.sh, on servers that they start."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from castro_spark.resources import castro_home
from tests import jvm
from tests.docs.guide import Reader, follow, plain_environment
from tests.system import ROOT


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Somebody with a checkout in which all is prepared."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], check=True, cwd=ROOT, capture_output=True
    )
    archive = subprocess.run(["tar", "-c", "--null", "-T", "-"], check=True, cwd=ROOT, input=listed.stdout, capture_output=True)
    subprocess.run(["tar", "-x"], check=True, cwd=checkout, input=archive.stdout)
    home = checkout / ".castro"
    home.mkdir()
    (home / "jars").symlink_to(castro_home() / "jars")
    env = plain_environment("PYTHONPATH", "HADOOP_CONF_DIR")
    env |= {"CASTRO_VENV": sys.prefix}
    reader = Reader(checkout, env)
    yield reader
    reader.run("./spark-submit.sh local down >/dev/null")


def page(name: str) -> Path:
    return ROOT / "docs" / "tutorials" / f"{name}.md"


@pytest.mark.long
@pytest.mark.parametrize("name", ["first_run", "fourth_stream"])
def test_it_is_followed_to_its_end(reader: Reader, name: str) -> None:
    reader.env |= jvm.short_lived()
    follow(page(name), reader, {})


@pytest.mark.long
def test_the_how_to_add_a_field(reader: Reader) -> None:
    """It changes the code, so it is followed here."""
    reader.env |= jvm.short_lived()

    def running() -> None:
        begin = './spark-submit.sh local up --no-page; eval "$(./spark-submit.sh local env)"; ./spark-submit.sh migrate --stream sales'
        status, printed = reader.run(begin)
        assert status == 0, printed

    follow(ROOT / "docs" / "how-to" / "add_a_field.md", reader, {"a_running_system": running})


def test_first_cluster(reader: Reader, tmp_path: Path) -> None:
    """Up to what needs a cluster."""

    def named() -> None:
        hadoop = tmp_path / "hadoop"
        hadoop.mkdir()
        for name, key, value in (
            ("core-site", "fs.defaultFS", "hdfs://namenode.castrolanda.local:9000"),
            ("yarn-site", "yarn.resourcemanager.hostname", "resourcemanager.castrolanda.local"),
        ):
            row = f"<property><name>{key}</name><value>{value}</value></property>"
            (hadoop / f"{name}.xml").write_text(f"<configuration>{row}</configuration>")
        reader.env["HADOOP_CONF_DIR"] = str(hadoop)

    follow(page("first_cluster"), reader, {"the_folder_of_Hadoop_s_settings_is_named": named})
