"""The decision on each result: literal cases, and what must hold for any sequence of results."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castro_spark.incidents.decision import Decision, IncidentRules, advanced, decide, decide_after_mute, opened, told
from castro_spark.incidents.incident import Incident, Level, Reason
from castro_spark.quality.result import Outcome, Result, Severity

NOW = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
RULES = IncidentRules(passes_to_resolve=3, escalate_after=4 * HOUR, repeat_every=12 * HOUR, no_data_expected=("volume/sun*",))
WARNED = Incident("volume", "sales", Outcome.WARN, Level.WARNING, "w", NOW, NOW, Level.WARNING, frozenset({Outcome.WARN}), told_at=NOW)
FAILED = replace(WARNED, outcome=Outcome.FAIL, level=Level.CRITICAL, worst_level=Level.CRITICAL, outcomes=frozenset({Outcome.FAIL}))


def result(outcome: Outcome, severity: Severity = Severity.CRITICAL, subject: str = "sales", **more: object) -> Result:
    return Result("volume", subject, severity, outcome, "words", **more)  # type: ignore[arg-type]


O, S = Outcome, Severity  # noqa: E741
CASES = [
    # the open incident, the result, hours since it opened; the reason, and whether it is notified
    (None, result(O.PASS), 0, Reason.HEALTHY, False),
    (None, result(O.WARN), 0, Reason.OPENED, True),
    (None, result(O.FAIL), 0, Reason.OPENED, True),
    (None, result(O.ERROR), 0, Reason.OPENED, True),
    (None, result(O.NO_DATA), 0, Reason.OPENED, True),
    (None, result(O.NO_DATA, subject="sunday"), 0, Reason.EXPECTED, False),
    (None, result(O.NO_DATA, evidence={"expected": True}), 0, Reason.EXPECTED, False),
    (FAILED, result(O.NO_DATA, subject="sunday"), 99, Reason.EXPECTED, False),
    (WARNED, result(O.WARN), 1, Reason.NOTICED, False),
    (WARNED, result(O.WARN), 11, Reason.NOTICED, False),  # a warning does not escalate by age
    (WARNED, result(O.WARN), 12, Reason.REPEATED, True),
    (WARNED, result(O.FAIL, S.WARNING), 1, Reason.ESCALATED, True),
    (WARNED, result(O.FAIL), 1, Reason.ESCALATED, True),
    (FAILED, result(O.FAIL), 1, Reason.NOTICED, False),
    (FAILED, result(O.FAIL), 4, Reason.ESCALATED, True),
    (replace(FAILED, escalated_at=NOW), result(O.FAIL), 5, Reason.NOTICED, False),
    (FAILED, result(O.ERROR), 1, Reason.CHANGED, True),
    (replace(FAILED, outcomes=frozenset(Outcome)), result(O.ERROR), 1, Reason.NOTICED, False),
    (FAILED, result(O.WARN), 1, Reason.EASED, False),
    (FAILED, result(O.PASS), 1, Reason.PASSED, False),
    (replace(FAILED, passes=2), result(O.PASS), 1, Reason.RESOLVED, True),
    (replace(FAILED, muted_until=NOW + 2 * HOUR, passes=2), result(O.PASS), 1, Reason.RESOLVED, False),
    (replace(FAILED, muted_until=NOW + 99 * HOUR, escalated_at=NOW), result(O.FAIL), 90, Reason.NOTICED, False),
    (replace(WARNED, muted_until=NOW + 2 * HOUR), result(O.FAIL), 2, Reason.ESCALATED, True),  # the mute is over
]  # fmt: skip


@pytest.mark.parametrize(("incident", "found", "hours", "reason", "notify"), CASES)
def test_decision(incident: Incident | None, found: Result, hours: int, reason: Reason, notify: bool) -> None:
    now = NOW + hours * HOUR
    decision = decide(incident, found, RULES, now)
    muted = incident is not None and incident.is_muted(now)
    kept_back = muted and reason is Reason.RESOLVED
    assert decision == Decision(reason, notify, kept_back)


def test_never_by_the_rules() -> None:
    rules = IncidentRules(escalate_after=None, repeat_every=None)
    assert decide(FAILED, result(O.FAIL), rules, NOW + 9999 * HOUR).reason is Reason.NOTICED


def test_an_incident_that_fails_for_too_long_is_critical() -> None:
    failing = result(O.FAIL, S.WARNING)
    incident = opened(failing, decide(None, failing, RULES, NOW), NOW)
    later = NOW + 4 * HOUR
    assert incident.severity is S.WARNING
    assert advanced(incident, failing, decide(incident, failing, RULES, later), RULES, later).severity is S.CRITICAL


def test_who_is_told() -> None:
    rules = IncidentRules(accepts={"mail": lambda check, subject, severity: severity == "critical"})
    everyone = ("log", "mail")
    assert rules.audience(WARNED, Reason.OPENED, everyone) == ("log",)
    assert rules.audience(FAILED, Reason.ESCALATED, everyone) == everyone
    knows = replace(WARNED, told_channels=frozenset({"mail", "gone"}))
    assert rules.audience(knows, Reason.REPEATED, everyone) == everyone  # who was told is told on
    assert rules.audience(knows, Reason.RESOLVED, everyone) == ("mail",)


steps = st.lists(
    st.tuples(st.sampled_from(Outcome), st.sampled_from(Severity), st.integers(1, 300), st.sampled_from([None, None, None, 120])),
    max_size=60,
)  # fmt: skip


@given(steps, st.integers(1, 4))
def test_what_holds_for_any_sequence(sequence: list[tuple[Outcome, Severity, int, int | None]], passes: int) -> None:
    rules = replace(RULES, passes_to_resolve=passes)
    incident, now, sent, in_a_row = None, NOW, [], 0
    for outcome, severity, minutes, mute in sequence:
        now += timedelta(minutes=minutes)
        found = result(outcome, severity)
        if incident is not None and (after := decide_after_mute(incident, now)):
            assert incident.muted_until is not None and incident.muted_until <= now
            assert after.notify
            incident, sent = told(incident, frozenset({"log"}), now), [*sent, after.reason]
        decision = decide(incident, found, rules, now)
        muted = incident is not None and incident.is_muted(now)
        assert not (decision.notify and muted)
        assert decision.keep_back <= muted
        if incident is None:
            assert (decision.reason is Reason.HEALTHY) == (outcome is O.PASS)
            if decision.reason is Reason.OPENED:
                incident, in_a_row, sent = opened(found, decision, now), 0, []
        else:
            before, incident = incident, advanced(incident, found, decision, rules, now)
            in_a_row = in_a_row + 1 if outcome is O.PASS else 0
            assert (incident.ended_at is not None) == (in_a_row == passes)
            assert incident.count == before.count + (outcome is not O.PASS)
            assert incident.worst_level >= max(before.worst_level, incident.level)
        if decision.notify and incident is not None:
            sent.append(decision.reason)
            incident = told(incident, frozenset({"log"}), now)
        # Two rises of the level and the age; an outcome once each, the first by the opening.
        assert sent.count(Reason.ESCALATED) <= 3
        assert sent.count(Reason.CHANGED) <= 3
        if incident is not None and incident.kept_back is None:
            assert incident.told_at is not None  # nothing happens that nobody is told of
        if incident is not None and incident.ended_at is not None:
            incident = None  # if it was muted, the store tells of it once the mute is over
        elif incident is not None and mute:
            incident = replace(incident, muted_until=now + timedelta(minutes=mute))
