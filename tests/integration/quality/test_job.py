"""`quality` as it is called: its output, its exit status, what it stores, and the loop beside the streams."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from castro_spark.errors import UsageError
from castro_spark.incidents.of_checks import note_checks
from castro_spark.local import Stack
from castro_spark.process.component import State
from castro_spark.quality.loop import QualityLoop
from castro_spark.streams import stream
from jobs import quality as job
from jobs import status as status_job
from tests.builders import native
from tests.databases.alerting import wait_until
from tests.databases.checked import Checked
from tests.system import System


@pytest.fixture(scope="module")
def checked(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checked]:
    system = System(servers, tmp_path_factory.mktemp("quality_job"))
    system.migrate(topics=False)
    checked = Checked(system)
    checked.fill(days=10)
    yield checked
    checked.close()
    system.end()


def run(checked: Checked, *arguments: str) -> tuple[int, str]:
    """The job in this process. Its checks that ask Kafka are not among those that the tests name."""
    options = ["--conf-file", str(checked.system.conf), "--stream", "inventory", *arguments]
    done = CliRunner().invoke(job.main, options, env=checked.system.env)
    return done.exit_code, done.output


def test_exit_status_and_output(checked: Checked) -> None:
    status, output = run(checked, "--check", "duplicates", "--check", "schema", "--json")
    results = json.loads(output[output.index("["):])
    assert status == 0
    assert {r["check"] for r in results} == {"duplicates", "schema"}
    assert {r["outcome"] for r in results} == {"pass"}
    doubled = checked.events(checked.today, 120)
    checked.take(doubled)
    checked.take({**e, "id_evento": f"x{e['id_evento']}"} for e in doubled)
    status, output = run(checked, "--check", "duplicates")
    assert status == 1
    assert "FAIL     duplicates        inventory: " in output
    assert "120 of 240 events repeat another one but for its id" in output
    assert "1 result: 1 fail; critical failures: 1" in output
    assert run(checked, "--check", "no_such_check")[0] == 2
    options = ["--conf-file", str(checked.system.conf), "--date", "0001-01-01"]
    with pytest.raises(UsageError, match="--date 0001-01-01 is before 1990"):
        CliRunner().invoke(job.main, options, env=checked.system.env, catch_exceptions=False)


def test_an_incident_follows_unless_it_is_a_dry_run(checked: Checked) -> None:
    query = checked.system.query
    query("DELETE FROM castro.incident; DELETE FROM castro.quality_result")
    assert run(checked, "--check", "duplicates", "--dry-run")[0] == 1
    assert query("SELECT count(*) FROM castro.incident UNION ALL SELECT count(*) FROM castro.quality_result") == [(0,), (0,)]
    run(checked, "--check", "duplicates")
    run(checked, "--check", "duplicates")
    assert query("SELECT check_name, subject, count FROM castro.incident") == [("duplicates", "inventory", 2)]
    assert query("SELECT failed, evidence ->> 'usual' FROM castro.quality_result LIMIT 1") == [(True, "0.0")]
    done = CliRunner().invoke(status_job.main, ["--conf-file", str(checked.system.conf), "--stream", "inventory"], env=checked.system.env)
    assert "quality: 1 of 1 checks failed at " in done.output
    # No data is no incident, unless the settings expect data.
    run(checked, "--check", "references")
    assert query("SELECT count(*) FROM castro.incident") == [(1,)]
    checked.system.configure({"quality": {"references": {"no_data": "fail"}}})
    assert run(checked, "--check", "references")[0] == 1
    assert query("SELECT check_name, outcome FROM castro.incident ORDER BY id DESC LIMIT 1") == [("references", "no_data")]
    checked.system.configure({})


def test_the_loop_beside_the_streams(checked: Checked) -> None:
    system = checked.system
    system.query("DELETE FROM castro.incident; DELETE FROM castro.quality_result")
    off = QualityLoop(checked.settings, [stream("inventory")], lambda: checked.topic)
    system.configure({"quality": {"every_seconds": 0.2}})
    checked.send([native(e) for e in checked.events(checked.today, 3)])
    with off, QualityLoop(checked.settings, [stream("inventory")], lambda: checked.topic, note_checks(checked.settings)):
        system.wait_for("SELECT count(DISTINCT run) > 1 FROM castro.quality_result", True, 30)
    assert system.query("SELECT DISTINCT outcome FROM castro.quality_result WHERE check_name = 'freshness'") == [("pass",)]
    assert system.query("SELECT outcome FROM castro.incident WHERE check_name = 'duplicates'") == [("fail",)]
    system.configure({})


def test_the_loop_reports_itself(checked: Checked) -> None:
    checked.system.configure({"quality": {"every_seconds": 0.1}})
    settings, streams = checked.settings, [stream("inventory")]
    assert QualityLoop(settings, streams, lambda: checked.topic, enabled=False).components == []
    loop = QualityLoop(settings, streams, lambda: checked.topic)
    (part,) = loop.components
    away = settings.model_copy(update={"postgres": settings.postgres.model_copy(update={"dsn": "host=127.0.0.1 port=1"})})
    lost = QualityLoop(away, streams, lambda: checked.topic)
    with loop, lost:
        wait_until(lambda: part.row("")["progress"] and lost.components[0].row("")["last_error"])
        assert (part.state, lost.components[0].state) == (State.RUNNING, State.RESTARTING)
    row = part.row("")
    assert (row["kind"], row["state"]) == ("quality loop", "stopped")
    assert row["progress"]["failed"] == 1  # the doubled day
    assert lost.components[0].state is State.STOPPED
    checked.system.configure({})
