"""Tasks by name to a real Celery worker over a real Redis broker."""

from __future__ import annotations

import os
import select
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest

from castro_spark.outbox import letters, put
from castro_spark.outbox.deliverer import Deliverer, deliver_once
from castro_spark.sinks.postgres.outbox import message_id
from tests.databases.alerting import Alerting, self_signed, wait_until
from tests.servers.celery_worker import ROOT, CeleryWorker

DECISION = "5f0c3b1e-7a90-4d27-9f7e-93d2f0b6a001"
BROKER_DB, STORE_DB = 14, 15


@pytest.fixture
def worker(alerting: Alerting, tmp_path: Path) -> Iterator[CeleryWorker]:
    base = alerting.redis_url.rpartition("/")[0]
    password = Path(alerting.env["CASTRO_REDIS_PASSWORD_FILE"]).read_text().strip()
    alerting.redis.execute_command("SELECT", BROKER_DB)
    for database in (BROKER_DB, STORE_DB):
        alerting.redis.execute_command("SELECT", database)
        alerting.redis.execute_command("FLUSHDB")
    alerting.env["CASTRO_ALERTS_CELERY_PASSWORD"] = password
    alerting.configure({"celery": {"type": "celery", "broker": f"{base}/{BROKER_DB}", "timeout_seconds": 2}})
    worker = CeleryWorker(f"{base}/{BROKER_DB}", f"{base}/{STORE_DB}", password, tmp_path)
    yield worker
    worker.kill()


def send(alerting: Alerting, kind: str, cause: str, **payload: object) -> None:
    with closing(alerting.connect()) as connection, connection:
        put(connection, kind, cause, payload, alerting.settings.alerts.channels_for(kind))  # type: ignore[arg-type]


def test_each_kind_is_its_task(alerting: Alerting, worker: CeleryWorker) -> None:
    send(alerting, "critical_product", "critical:P1:cover:3", product_code="P1", reason="days of cover below 3")
    send(alerting, "retraining", DECISION, reason="12,000 new rows")
    send(alerting, "incident", "incident:1:1", check="freshness", subject="sales", summary="São Paulo")
    tallies = deliver_once(alerting.settings)  # no worker runs yet: the broker keeps them
    assert (tallies["celery"].delivered, tallies["log"].delivered) == (3, 1)
    worker.start()
    wait_until(lambda: len(worker.effects()) == 3, 60, worker.log)
    assert {(run["task"], run["id"], run["kwargs"]["cause"]) for run in worker.runs()} == {
        ("analyze_critical_product", str(message_id("critical:P1:cover:3")), "critical:P1:cover:3"),
        ("retrain_classification_model", DECISION, DECISION),
        ("send_data_quality_alert", str(message_id("incident:1:1")), "incident:1:1"),
    }
    assert worker.runs()[0]["kwargs"] == {"cause": "critical:P1:cover:3", "product_code": "P1", "reason": "days of cover below 3"}


# Where the deliverer's process is killed -> how often the task is sent.
KILLS = {
    "castro_spark.outbox.claims:claim:1:after": 1,
    "castro_spark.channels.celery:CeleryChannel.send:1": 1,
    "castro_spark.channels.celery:CeleryChannel.send:1:after": 2,
    "castro_spark.outbox.claims:delivered:1": 2,
    "castro_spark.outbox.claims:delivered:1:after": 1,
}


def test_a_killed_deliverer_loses_nothing_and_tasks_take_effect_once(alerting: Alerting, worker: CeleryWorker) -> None:
    worker.start()
    sent = 0
    for number, (where, times) in enumerate(KILLS.items()):
        cause = f"critical:P{number}"
        send(alerting, "critical_product", cause, product_code=f"P{number}")
        process = deliverer(alerting, where)
        assert process.wait(60) == -signal.SIGKILL, where
        # What the time-out of its lease does.
        alerting.query("UPDATE castro.outbox SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL")
        deliver_once(alerting.settings)
        sent += times
        wait_for_runs(worker, sent, where)
        assert {run["id"] for run in worker.runs() if run["kwargs"]["cause"] == cause} == {str(message_id(cause))}
    assert worker.effects() == [f"critical:P{number}" for number in range(len(KILLS))]
    assert alerting.query("SELECT DISTINCT state FROM castro.outbox") == [("delivered",)]


def wait_for_runs(worker: CeleryWorker, count: int, where: str) -> None:
    wait_until(lambda: len(worker.runs()) == count, 30, lambda: f"{where}: {worker.runs()} {worker.log()}")


def test_a_kill_before_the_commit_sends_nothing_and_one_after_it_sends(alerting: Alerting, worker: CeleryWorker) -> None:
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from castro_spark.outbox import put\n"
        "from castro_spark.settings import load_settings\n"
        "from castro_spark.sinks.postgres.connection import connect\n"
        "connection = connect(load_settings(conf_file=Path(sys.argv[1])).postgres, 'test')\n"
        "put(connection, 'critical_product', sys.argv[2], {'product_code': 'P'}, ['celery'])\n"
        "if sys.argv[2] == 'committed':\n"
        "    connection.commit()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    for cause in ("not committed", "committed"):
        killed = subprocess.run([sys.executable, "-c", code, alerting.conf, cause], check=False, env=alerting.env, cwd=ROOT, timeout=60)
        assert killed.returncode == -signal.SIGKILL
    worker.start()
    with Deliverer(alerting.settings):
        wait_until(lambda: worker.effects() == ["committed"], 60, worker.log)


def test_a_dead_and_a_frozen_broker_keep_the_tasks_waiting(alerting: Alerting, worker: CeleryWorker, servers: object) -> None:
    worker.start()
    send(alerting, "retraining", "first")
    settings = alerting.configure(
        {"celery": {"type": "celery", "broker": f"{alerting.redis_url.rpartition('/')[0]}/{BROKER_DB}", "timeout_seconds": 0.5}},
        attempts=1000,
    )
    with Deliverer(settings):
        wait_until(lambda: worker.effects() == ["first"], 60, worker.log)
        pid = servers.redis.process.pid()  # type: ignore[attr-defined]
        os.kill(pid, signal.SIGSTOP)
        try:
            send(alerting, "retraining", "second")
            wait_until(lambda: alerting.query("SELECT error FROM castro.outbox WHERE cause = 'second' AND error IS NOT NULL"))
            send(alerting, "incident", "third", summary="the log is not held up")
            wait_until(lambda: alerting.query("SELECT state FROM castro.outbox WHERE cause = 'third' AND channel = 'log'") == [("delivered",)])
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_until(lambda: {"second", "third"} <= set(worker.effects()), 60, worker.log)
        # What the frozen broker had in its socket is sent again, with the same id.
        with closing(alerting.connect()) as connection:
            wait_until(lambda: letters.queues(connection) == [])
    wait_until(lambda: len(worker.effects()) == 3)
    assert {run["id"] for run in worker.runs()} == {str(message_id(cause)) for cause in ("first", "second", "third")}


def test_a_broker_over_tls(alerting: Alerting, worker: CeleryWorker, tmp_path: Path) -> None:
    key, cert = self_signed(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    with tls_proxy(tls, int(alerting.redis_url.rpartition("/")[0].rpartition(":")[2])) as port:
        broker = {"type": "celery", "broker": f"rediss://localhost:{port}/{BROKER_DB}", "timeout_seconds": 2}
        send(alerting, "retraining", "first")
        alerting.configure({"celery": broker})
        assert deliver_once(alerting.settings)["celery"].failed == 1
        assert "certificate verify failed" in alerting.query("SELECT error FROM castro.outbox")[0][0]
        alerting.configure({"celery": {**broker, "ca_file": str(cert)}})
        with closing(alerting.connect()) as connection:
            letters.retry(connection, None)
        assert deliver_once(alerting.settings)["celery"].delivered == 1
        # By default it is the server of `redis`, with that one's authority.
        alerting.env |= {"CASTRO_REDIS_URL": f"rediss://localhost:{port}/{BROKER_DB}", "CASTRO_REDIS_CA_FILE": str(cert)}
        alerting.configure({"celery": {"type": "celery", "timeout_seconds": 2}})
        send(alerting, "retraining", "second")
        assert deliver_once(alerting.settings)["celery"].delivered == 1
    worker.start()
    wait_until(lambda: sorted(worker.effects()) == ["first", "second"], 60, worker.log)


@contextmanager
def tls_proxy(tls: ssl.SSLContext, port: int) -> Iterator[int]:
    """Passes what comes by TLS on to a plain server."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), tls.wrap_socket(self.request, server_side=True) as client, socket.create_connection(("127.0.0.1", port)) as server:
                while True:
                    ready = [client] if client.pending() else select.select([client, server], [], [], 10)[0]
                    for end, other in ((client, server), (server, client)):
                        if end in ready:
                            data = end.recv(65536)
                            if not data:
                                return
                            other.sendall(data)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        Thread(target=listener.serve_forever, daemon=True).start()
        yield listener.server_address[1]
        listener.shutdown()


def deliverer(alerting: Alerting, kill: str) -> subprocess.Popen[bytes]:
    """`outbox run` in a process of its own, killed at a function's call (recovery/killer)."""
    path = os.pathsep.join([str(ROOT / "tests" / "recovery" / "killer"), str(ROOT)])
    return subprocess.Popen(
        [sys.executable, "-m", "castro_spark", "outbox", "run", "--conf-file", str(alerting.conf)],
        env={**alerting.env, "PYTHONPATH": path, "CASTRO_TEST_KILL": kill}, cwd=ROOT,
    )  # fmt: skip
