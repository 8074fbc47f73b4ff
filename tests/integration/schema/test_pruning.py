"""What would grow for ever is pruned by age and size, in steps, and nothing that may still be needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from castro_spark.local import Stack
from castro_spark.settings import Settings, load_settings
from castro_spark.streaming.housekeeping import Housekeeper
from castro_spark.streams import stream
from tests.system import System, migrated_system

INVENTORY = stream("inventory")
COUNTS = ("SELECT (SELECT count(*) FROM castro.batch_books), (SELECT count(*) FROM castro.emptied),"
          " (SELECT count(*) FROM castro.deleted), (SELECT count(*) FROM castro.repair)")  # fmt: skip
DELETED = """
INSERT INTO castro.deleted (stream, event_id, source_position, deleted_at)
SELECT 'inventory', 'E' || n, '\\x20', now() - n * interval '1 day' FROM generate_series(1, 60) n
"""
FILL = """
INSERT INTO castro.batch_books (stream, revision, partition, batch_id, from_offset, to_offset, inserted, corrected, stale,
    quarantined, skipped, gaps, committed_at)
SELECT 'inventory', n, 0, n, n, n + 1, 1, 0, 0, 0, 0, 0, now() - n * interval '1 day' FROM generate_series(1, 60) n;
INSERT INTO castro.emptied (stream, period, product_code, first_day, revision, emptied_at)
SELECT 'inventory', 'date', 'P' || n, '2024-05-01', 1000 - n, now() - n * interval '1 day' FROM generate_series(1, 60) n;
INSERT INTO castro.repair (run, stream, kind, class, key, product_code, revision, repaired_at)
SELECT 'r', 'inventory', 'event', 'extra', 'E' || n, 'P', 1, now() - n * interval '1 day' FROM generate_series(1, 60) n;
"""


@pytest.fixture(scope="module")
def grown(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with migrated_system(stack, tmp_path_factory.mktemp("pruning")) as system:
        yield system


def settings_of(system: System, **housekeeping: object) -> Settings:
    system.configure({"housekeeping": {"rows_per_step": 7, **housekeeping}})
    return load_settings(conf_file=system.conf, environ=system.env)


def test_by_age_in_steps(grown: System) -> None:
    grown.query(FILL)
    grown.query(DELETED)
    keeper = Housekeeper(settings_of(grown, delete_notes_days=20, repairs_days=50), [INVENTORY])
    assert keeper.tidy() == 31 + 31 + 41 + 11
    assert grown.query(COUNTS) == [(29, 29, 19, 49)]
    # The follower of the commits learns up to which of them notes are gone.
    assert grown.query("SELECT notes_pruned_to FROM castro.projection WHERE stream = 'inventory'") == [(970,)]
    assert keeper.tidy() == 0


def test_a_delete_is_remembered_while_something_could_undo_it(grown: System) -> None:
    grown.query("TRUNCATE castro.deleted")
    grown.query(DELETED)
    # The warehouse has the stream's events: a backfill could bring a deleted row back.
    Housekeeper(settings_of(grown), [INVENTORY]).tidy()
    assert grown.query("SELECT count(*) FROM castro.deleted") == [(60,)]
    # A record that waits in quarantine since before the delete could, too.
    grown.query(
        "INSERT INTO castro.quarantine (stream, topic, generation, partition, \"offset\", value, reason, quarantined_at)"
        " VALUES ('inventory', 't', 0, 9, 9, 'x', 'not_json', now() - interval '45 days 1 hour')"
    )
    Housekeeper(settings_of(grown, delete_notes_days=20), [INVENTORY]).tidy()
    assert grown.query("SELECT count(*) FROM castro.deleted") == [(45,)]
    grown.query("TRUNCATE castro.quarantine")


def test_quarantine_is_bounded_and_warns_well_before(grown: System, caplog: pytest.LogCaptureFixture) -> None:
    grown.query(
        "INSERT INTO castro.quarantine (stream, topic, generation, partition, \"offset\", value, reason, status, resolved_at)"
        " SELECT 'inventory', 't', 0, 0, n, convert_to(repeat('x', 60000), 'UTF8'), 'not_json',"
        " CASE WHEN n <= 4 THEN 'discarded' ELSE 'open' END, CASE WHEN n <= 4 THEN now() - n * interval '1 day' END"
        " FROM generate_series(1, 24) n"
    )
    conf = {"quarantine_closed_days": 3, "quarantine_max_records": 1000, "quarantine_max_megabytes": 1}
    Housekeeper(settings_of(grown, **conf), [INVENTORY]).tidy()
    # The closed ones go first, then the oldest open ones lose their bytes; none of these is lost.
    left = grown.query('SELECT "offset", status, value IS NULL, value_length, value_sha256 IS NULL FROM castro.quarantine ORDER BY 1')
    assert [row[0] for row in left] == list(range(5, 25))
    emptied = [row[0] for row in left if row[2]]
    assert emptied == list(range(5, 5 + len(emptied)))
    assert len(emptied) == 3
    assert {row[3:] for row in left if row[2]} == {(60_000, False)}
    assert "quarantine holds 1,020,000 of 1,048,576 bytes" in caplog.text
