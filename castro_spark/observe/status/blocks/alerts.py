"""Status: open incidents, and the messages that are not delivered.

Dead letters are trouble (exit status 1): each is a message that a person or an application should have had, and nothing
sends it again by itself. Open incidents are not: they are about the data, and `quality` has an exit status for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from castro_spark.counted import counted
from castro_spark.incidents import by_hand
from castro_spark.incidents.notice import state_in_words
from castro_spark.observe.status.block import Asked, Block, Part, error_lines
from castro_spark.outbox import letters


def _answer(asked: Asked, _: Part) -> Part:
    """Open incidents in short, the worst one, and each channel's undelivered messages."""
    connection = asked.connection
    short = by_hand.in_short(connection)
    worst = next(iter(by_hand.incidents(connection, ended=False, limit=1)), None)
    queues = letters.queues(connection)
    known = asked.settings.alerts.enabled
    dead = sum(queue.dead for queue in queues)
    return {
        "incidents": {
            **vars(short),
            "worst": worst and {
                "id": worst.id, "check": worst.check, "subject": worst.subject, "severity": worst.severity.value,
                "outcome": worst.outcome.value, "opened_at": worst.opened_at, "in_words": state_in_words(worst),
            },
        },
        "outbox": [{**vars(queue), "configured": queue.channel in known} for queue in queues],
        "trouble": f"dead letters: {dead} (outbox list, then outbox retry or discard)" if dead else None,
    }  # fmt: skip


def _lines(part: Part) -> Iterator[str]:
    if "error" in part:
        yield "alerts:"
        yield from error_lines(part["error"], "  ")
        return
    incidents, queues = part["incidents"], part["outbox"]
    yield f"alerts: {counted(incidents['count'], 'open incident')}" + (
        f" ({incidents['critical']} critical, {incidents['muted']} muted), the oldest since {_at(incidents['oldest'])}"
        if incidents["count"]
        else ""
    )
    if worst := incidents["worst"]:
        yield f"  worst       {worst['id']}: {worst['in_words']}"
    for queue in queues:
        yield f"  outbox      {queue['channel']}: {_queue(queue)}"
    if part["trouble"]:
        yield f"  TROUBLE     {part['trouble']}"


def _queue(queue: Part) -> str:
    text = f"{queue['pending']} pending"
    if queue["pending"]:
        text += f" since {_at(queue['oldest'])}"
    if queue["failing"]:
        text += f", {queue['failing']} of them failed before"
    if queue["dead"]:
        text += f", DEAD LETTERS: {queue['dead']}"
    if not queue["configured"]:
        text += "; alerts.channels lacks this channel: these wait for it"
    return text + (f"; last error: {queue['error'][:160]}" if queue["error"] else "")


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


ALERTS = Block("alerts", _answer, _lines)
