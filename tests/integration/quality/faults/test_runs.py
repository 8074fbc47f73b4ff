"""A run of the checks: all pass on clean data, one that takes too long stops no other, and results are stored."""

from __future__ import annotations

import pytest

from castro_spark.quality.checks import NAMES
from castro_spark.quality.run import run_checks
from castro_spark.streams import stream
from tests.databases.checked import Checked
from tests.integration.quality.faults.finding import ERROR, NO_DATA, NO_HOLIDAYS, PASS, found


def test_clean_data_pass_every_check(data: Checked) -> None:
    results = {(r.check, r.subject): r for r in data.run()}
    wrong = [r for r in results.values() if r.outcome not in (PASS, NO_DATA)]
    assert wrong == []
    judged = {r.check for r in results.values() if r.outcome is PASS}
    # No archive, extract, reconciliation or master data is there, and the view was never refreshed.
    assert set(NAMES) - judged <= {"archive_lag", "extract_age", "reconcile_age", "references", "product_360_lag"}


def test_a_check_that_takes_too_long_is_an_error_and_the_others_run(data: Checked) -> None:
    data.system.configure({"quality": {"statement_timeout_seconds": 0.3, "volume": NO_HOLIDAYS}})
    blocked = data.system.connect()
    blocked.cursor().execute("LOCK TABLE castro.offset_ledger")
    try:
        results = {r.check: r for r in data.run("freshness", "volume")}
    finally:
        blocked.close()
    found(results["freshness"], ERROR, "longer than quality.statement_timeout_seconds")
    assert results["volume"].outcome is PASS


def test_results_are_stored_with_what_follows_from_them_and_pruned(data: Checked) -> None:
    noted: list[int] = []

    def note(connection: object, results: object) -> None:
        noted.append(len(results))  # type: ignore[arg-type]
        if len(noted) > 1:
            raise RuntimeError("the transaction ends")

    def run() -> None:
        run_checks(data.settings, [stream("inventory")], data.topic, names=["volume"], note=note)

    run()
    with pytest.raises(RuntimeError):
        run()
    rows = data.system.query("SELECT check_name, subject, outcome, failed, severity, day FROM castro.quality_result")
    assert rows == [("volume", "inventory", "pass", False, "warning", data.today)]
    data.system.query("UPDATE castro.quality_result SET judged_at = now() - interval '1 year'")
    data.check("volume")
    assert data.system.query("SELECT count(*) FROM castro.quality_result") == [(1,)]
