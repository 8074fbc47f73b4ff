"""Checks and their rows; addresses; what Hadoop's files say; clocks. Without a JVM and without servers but sockets of our own."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Event
from zoneinfo import ZoneInfo

import pytest

from castro_spark.errors import CastroError, SettingsError
from castro_spark.hadoop.conf import read_hadoop_conf
from castro_spark.validation import client_jvm, clocks, network
from castro_spark.validation.check import Check, Result, State, run
from castro_spark.validation.client_jvm import is_on_yarn
from castro_spark.validation.network import Service, Unreachable, kafka_addresses, postgres_addresses, redis_addresses
from castro_spark.validation.report import document, lines, summary

ZONE = ZoneInfo("America/Sao_Paulo")


def test_checks_run_at_the_same_time_and_none_hides_another() -> None:
    first_runs, second_runs, never = Event(), Event(), Event()

    def first() -> str:
        first_runs.set()
        assert second_runs.wait(20)
        return "found"

    def second() -> str:
        second_runs.set()
        assert first_runs.wait(20)
        raise CastroError("it is wrong", "mend it")

    def broken() -> str:
        return str({}["nothing"])

    checks = [
        Check("first", "a", first),
        Check("second", "b", second, remedy="not this"),
        Check("silent", "c", lambda: str(never.wait()), seconds=0.2, remedy="wake it"),
        Check("broken", "d", broken, remedy="tell us"),
        Check("last", "e", lambda: ""),
    ]
    results = list(run(checks))
    never.set()
    told = [(r.check, r.place, r.state, r.note, r.remedy) for r in results]
    assert told == [
        ("first", "a", State.OK, "found", ""),
        ("second", "b", State.FAILED, "it is wrong", "mend it"),
        ("silent", "c", State.FAILED, "no answer within 0.2 s", "wake it"),
        ("broken", "d", State.FAILED, "KeyError: 'nothing'", "tell us"),
        ("last", "e", State.OK, "", ""),
    ]


def test_rows_and_document() -> None:
    good = Result("redis login", "r:6379", State.OK, 0.0123, "Redis 7.0")
    bad = Result("read topic", "t", State.FAILED, 15.0, "no topic t\nat k:9092", "create it")
    assert list(lines(good)) == ["redis login                  r:6379                                       ok          0.012  Redis 7.0"]
    assert [line.strip() for line in lines(bad)][1:] == ["at k:9092", "what to do: create it"]
    assert summary([good, bad]) == "2 checks: 1 ok, 1 failed"
    assert json.loads(json.dumps(document([good, bad]))) == {
        "ok": False,
        "checks": [
            {"check": "redis login", "place": "r:6379", "state": "ok", "seconds": 0.012, "note": "Redis 7.0", "remedy": ""},
            {"check": "read topic", "place": "t", "state": "failed", "seconds": 15.0, "note": "no topic t\nat k:9092", "remedy": "create it"},
        ],
    }
    assert document([good])["ok"]


def test_reach() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server, closing(socket.socket()) as unused:
        there = ("127.0.0.1", server.getsockname()[1])
        unused.bind(("127.0.0.1", 0))
        closed = ("127.0.0.1", unused.getsockname()[1])
        assert network.reach(Service("x", (there,), "a.setting")).startswith("127.0.0.1 ")
        told = network.reach(Service("x", (closed, there), "a.setting"))
        assert told.endswith(f"not 127.0.0.1:{closed[1]} (Connection refused)")
        with pytest.raises(Unreachable, match=r"Connection refused\n  what to do: nothing listens on that port.*a\.setting"):
            network.reach(Service("x", (closed,), "a.setting"))
        with pytest.raises(Unreachable):
            network.reach(Service("x", (there, closed), "a.setting", every=True))
    with pytest.raises(Unreachable, match=r"no-such-host\.invalid:1: the name is unknown here\n  what to do: correct a\.setting"):
        network.reach(Service("x", (("no-such-host.invalid", 1),), "a.setting"))


def test_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGHOST", raising=False)
    monkeypatch.delenv("PGPORT", raising=False)
    assert kafka_addresses("a:1, SASL_SSL://b:2,[::1]:3") == (("a", 1), ("b", 2), ("::1", 3))
    assert postgres_addresses("host=a,b port=1,2 dbname=x") == (("a", 1), ("b", 2))
    assert postgres_addresses("host=a,b port=1 dbname=x") == (("a", 1), ("b", 1))
    assert postgres_addresses("host=a dbname=x") == (("a", 5432),)
    assert postgres_addresses("host=/run/postgresql dbname=x") == ()
    assert postgres_addresses("service=x") == ()
    assert redis_addresses("redis://a/1") == (("a", 6379),)
    assert redis_addresses("rediss://a:7/1") == (("a", 7),)
    assert redis_addresses("unix:///run/redis") == ()


def site(path: Path, **properties: str) -> None:
    rows = "".join(f"<property><name>{n.replace('__', '.')}</name><value>{v}</value></property>" for n, v in properties.items())
    path.write_text(f"<configuration>{rows}</configuration>")


def test_hadoops_files(tmp_path: Path) -> None:
    site(tmp_path / "core-site.xml", fs__defaultFS="hdfs://nn.example:9000", hadoop__security__authentication="Kerberos")
    (tmp_path / "yarn-site.xml").write_text(
        "<configuration><property><name>yarn.resourcemanager.hostname</name><value> rm.example </value></property>"
        "<property><name>yarn.resourcemanager.address</name><value>${yarn.resourcemanager.hostname}:8050</value></property>"
        "</configuration>"
    )
    site(tmp_path / "hive-site.xml", hive__metastore__uris="thrift://m1.example:9083,thrift://m2.example")
    conf = read_hadoop_conf({"HADOOP_CONF_DIR": str(tmp_path)})
    assert conf is not None
    assert conf.name_nodes() == (("nn.example", 9000),)
    assert conf.resource_managers() == (("rm.example", 8050),)
    assert conf.resource_manager_pages() == (("rm.example", 8088),)
    assert conf.metastores() == (("m1.example", 9083), ("m2.example", 9083))
    assert conf.authentication == "kerberos"


def test_hadoops_files_of_a_highly_available_cluster(tmp_path: Path) -> None:
    site(tmp_path / "core-site.xml", fs__defaultFS="hdfs://lake")
    site(
        tmp_path / "hdfs-site.xml",
        **{
            "dfs.nameservices": "lake",
            "dfs.ha.namenodes.lake": "nn1,nn2",
            "dfs.namenode.rpc-address.lake.nn1": "a:8020",
            "dfs.namenode.rpc-address.lake.nn2": "b:8020",
        },
    )
    site(
        tmp_path / "yarn-site.xml",
        **{
            "yarn.resourcemanager.ha.enabled": "true",
            "yarn.resourcemanager.ha.rm-ids": "rm1, rm2",
            "yarn.resourcemanager.hostname.rm1": "a",
            "yarn.resourcemanager.address.rm2": "b:8050",
        },
    )
    conf = read_hadoop_conf({"HADOOP_CONF_DIR": str(tmp_path)})
    assert conf is not None
    assert conf.name_nodes() == (("a", 8020), ("b", 8020))
    assert conf.resource_managers() == (("a", 8032), ("b", 8050))
    assert conf.metastores() == ()
    assert conf.authentication == "simple"


def test_hadoops_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert read_hadoop_conf({}) is None
    with pytest.raises(SettingsError, match="is no folder"):
        read_hadoop_conf({"HADOOP_CONF_DIR": str(tmp_path / "nothing")})
    (tmp_path / "core-site.xml").write_text("<configuration>")
    with pytest.raises(SettingsError, match=r"core-site\.xml: cannot be read: no element found: line 1"):
        read_hadoop_conf({"HADOOP_CONF_DIR": str(tmp_path)})


def test_clocks() -> None:
    assert clocks.judged(-0.25, 0.01) == "-0.250 s from this machine's (+-0.010)"
    clocks.judged(31, 2)  # may be within the limit
    with pytest.raises(clocks.ClocksDiffer, match=r"\+31\.000 s .*\n  what to do: let both machines follow a time server"):
        clocks.judged(31, 0.5)


def test_calendars() -> None:
    here = clocks.local_times(ZONE)
    assert "from 1990 to 2039" in clocks.same_calendar(ZONE, here, "Java's")
    late = next(i for i, t in enumerate(clocks.instants()) if (t.year, t.month) == (2019, 1))  # daylight saving
    other = [*here[:late], (clocks.instants()[late] - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%S"), *here[late + 1 :]]
    with pytest.raises(clocks.ClocksDiffer, match="America/Sao_Paulo at 2019-01-01T09:00:00, where Python's say 2019-01-01T10:00:00"):
        clocks.same_calendar(ZONE, other, "Java's")


def test_a_jvm_without_the_cluster() -> None:
    words = ["--master", "yarn", "--properties-file", "f", "--archives", "a#b", "--jars", "hdfs://n/j.jar"]
    words += ["--conf", "spark.yarn.archive=hdfs://n/z", "--conf", "spark.x=y", "--load-spark-defaults", "pyspark-shell"]
    jars, *rest = client_jvm._local(words)[3:]
    assert "hdfs:" not in jars
    assert rest == ["--properties-file", "f", "--conf", "spark.x=y", "--load-spark-defaults", "pyspark-shell"]


def test_where_spark_submit_goes(tmp_path: Path) -> None:
    conf = tmp_path / "spark.conf"
    conf.write_text("# spark.master local\nspark.master   yarn\n")
    assert is_on_yarn({"PYSPARK_SUBMIT_ARGS": f"'--properties-file' '{conf}' pyspark-shell"})
    assert not is_on_yarn({"PYSPARK_SUBMIT_ARGS": f"--master 'local[4]' --properties-file {conf} pyspark-shell"})
    assert is_on_yarn({"PYSPARK_SUBMIT_ARGS": "--master yarn pyspark-shell"})
    assert is_on_yarn({"CONTAINER_ID": "container_1"})
    assert not is_on_yarn({})
