"""The pure parts of the outbox: a message's fate, its texts, and what a hook gets."""

from __future__ import annotations

from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum
from threading import Event
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castro_spark.channels.channel import Message, Refused, Unavailable
from castro_spark.channels.email import as_mail
from castro_spark.channels.webhook import alertmanager
from castro_spark.outbox.bounded import BoundedCalls
from castro_spark.outbox.verdict import Verdict, verdict, wait_seconds
from castro_spark.sinks.postgres.outbox import message_id, plain

AT = datetime(2026, 3, 2, 12, 30, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("error", "attempt", "expected"),
    [
        (Unavailable("away"), 1, Verdict("away", 5.0)),
        (Unavailable("away"), 3, Verdict("away", 20.0)),
        (Unavailable("away"), 29, Verdict("away", 3600.0)),
        (Unavailable("busy", retry_after=90), 1, Verdict("busy", 90.0)),
        (Unavailable("busy", retry_after=1), 2, Verdict("busy", 10.0)),
        (ValueError("a defect"), 1, Verdict("ValueError: a defect", 5.0)),
        (Unavailable("away"), 30, Verdict("given up after 30 attempts: away", None)),
        (Refused("404"), 1, Verdict("refused: 404", None)),
    ],
)
def test_fate(error: Exception, attempt: int, expected: Verdict) -> None:
    assert verdict(error, attempt, 30, 5, 3600, 0.0) == expected


@given(st.integers(1, 10_000), st.floats(0.01, 100), st.floats(100, 10_000), st.floats(0, 1))
def test_waits_grow_up_to_a_bound(attempt: int, first: float, most: float, chance: float) -> None:
    wait = wait_seconds(attempt, first, most, chance)
    assert first <= wait <= most * 1.2
    assert wait_seconds(attempt + 1, first, most, chance) >= wait


class Colour(str, Enum):
    RED = "red"


def test_plain_data() -> None:
    assert plain({
        1: Decimal("1E+3"), "at": AT, "day": date(2026, 3, 2), "colour": Colour.RED, "set": {2, 1}, "nan": float("nan"), "nul": "a\0\ud800",
        "id": UUID(int=1), "flag": True, "none": None, "list": [1.5, ("x",)],
    }) == {
        "1": "1000", "at": "2026-03-02T12:30:00+00:00", "day": "2026-03-02", "colour": "red", "set": [1, 2], "nan": "nan", "nul": "a\ufffd\ufffd",
        "id": "00000000-0000-0000-0000-000000000001", "flag": True, "none": None, "list": [1.5, ["x"]],
    }  # fmt: skip


def test_an_alert_of_a_message_that_is_no_incident() -> None:
    message = Message(message_id("critical:P1"), "critical_product", "critical:P1", {"product_code": "P1", "reason": "cover below 3 days"}, AT)
    body = alertmanager(message, "hook")
    assert (body["groupKey"], body["status"], body["alerts"][0]["startsAt"]) == ("critical:P1", "firing", "2026-03-02T12:30:00+00:00")
    assert body["commonLabels"] == {"alertname": "critical_product", "severity": "warning", "kind": "critical_product", "subject": "P1"}
    assert body["commonAnnotations"] == {"summary": "critical_product critical:P1", "cause": "critical:P1", "reason": "cover below 3 days"}


def test_a_mail_holds_no_header_of_a_product_code() -> None:
    message = Message(message_id("c"), "incident", "c", {"summary": "P1\r\nBcc: x@y.z \x00\u2028 é", "severity": "critical"}, AT)
    mail = as_mail(message, "castro@x.local", ("a@x.local",))
    assert mail["Subject"] == "[castro CRITICAL] P1 Bcc: x@y.z é"
    assert mail["Bcc"] is None
    assert mail["Date"] == "Mon, 02 Mar 2026 12:30:00 +0000"


def test_a_call_that_hangs_is_left_behind_and_no_more_than_three() -> None:
    calls, free = BoundedCalls("x"), Event()
    for _ in range(3):
        assert not calls.is_stuck
        with pytest.raises(Unavailable, match="no result after"):
            calls.run(lambda: free.wait(30) and None, 0.01)
    assert calls.is_stuck
    free.set()
    for thread in list(calls._hanging):
        thread.join(10)
    assert not calls.is_stuck
    with pytest.raises(ZeroDivisionError):
        calls.run(lambda: 1 / 0 and None, 10)
