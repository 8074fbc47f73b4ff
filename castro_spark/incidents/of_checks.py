"""Incidents of the quality checks: what `quality` and its loop note in the transaction that stores their results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from castro_spark.incidents.configured import incident_rules
from castro_spark.incidents.note import note_results
from castro_spark.quality.result import Outcome, Result
from castro_spark.quality.run import Note, failed
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import Connection


def note_checks(settings: Settings) -> Note:
    """Opens, updates and resolves incidents. No data is one only if the check's settings say `no_data: fail`, and
    alerts.incidents.no_data_expected does not name the check."""
    rules, channels = incident_rules(settings.alerts), list(settings.alerts.enabled)

    def note(connection: Connection, results: Sequence[Result]) -> None:
        expected = tuple(
            f"{r.check}/{r.subject}" for r in results if r.outcome is Outcome.NO_DATA and not failed(r, settings)
        )
        known = replace(rules, no_data_expected=(*rules.no_data_expected, *expected))
        note_results(connection, results, known, channels)

    return note
