"""The jobs by ./spark-submit.sh, as their users call them; what they do in all cases, other tests call in-process.

Those of the warehouse (extract, backfill, reconcile) are in test_warehouse_jobs.py, SIGTERM and secrets in test_jobs.py.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.builders import event, native
from tests.system import ROOT, System


def test_one_event_end_to_end(system: System) -> None:
    """What `./test.sh quick` runs, besides the unit tests."""
    system.produce([native(event()), b"{"])
    assert "2 offsets = 1 inserted, 1 quarantined" in system.submit("stream", "--available-now")
    assert system.query("SELECT event_id, value_total::int FROM ml_inventory_realtime") == [("E1", 25)]
    assert system.redis.hget("inventory:realtime:P1", "event_id") == "E1"
    assert "  not_json  " in system.submit("quarantine", "list")


def test_the_other_jobs_and_their_exit_statuses(system: System) -> None:
    assert f"topic {system.topic}: is there" in system.submit("migrate")
    output = system.submit("status", "--json")
    told = json.loads(output[output.index("{\n") : output.index("\n}\n") + 2])
    assert [s["started"] for s in told["streams"]] == [False]
    assert "inventory: never started, nothing to cache" in system.submit("cache", "rebuild")
    assert "postgres " in system.submit("validate")
    system.env["CASTRO_REDIS_URL"] = "redis://127.0.0.1:1/1"
    assert "Connection refused" in system.submit("validate", status=1)
    assert "No such option" in system.submit("stream", "--nothing", status=2)
    system.env["CASTRO_TIMEZONE"] = "Mars"
    assert "must be an IANA name" in system.submit("status", status=2)


def test_the_demo_shows_what_came_out(system: System, tmp_path: Path) -> None:
    command = [str(ROOT / "spark-submit.sh"), "demo", "--rate", "50", "--seconds", "3", "--dir", str(tmp_path / "demo")]
    names = ("CASTRO_KAFKA_BOOTSTRAP_SERVERS", "CASTRO_POSTGRES_DSN", "CASTRO_REDIS_URL", "CASTRO_CHECKPOINT_DIR")
    env = {name: value for name, value in system.env.items() if name not in names}
    done = subprocess.run(command, check=False, env=env, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("inventory: newest events in PostgreSQL", "ml_product_360", "The books"):
        assert words in done.stdout
