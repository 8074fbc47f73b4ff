"""Quarantine: records by reason, one record with its bytes, and its mended value tried before it is replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus

from psycopg2 import sql
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from castro_spark.page.page import Answer, Asked, Data, Page
from castro_spark.page.reading.trial import Record, Trial, tried
from castro_spark.page.web.acting import Form, read_form, value_of, work
from castro_spark.page.web.paging import address, before, paged
from castro_spark.page.words.language import text
from castro_spark.page.words.octets import Shown, editable, preview, shown
from castro_spark.parse.identity import Kinds
from castro_spark.parse.rules import WAREHOUSE_GENERATION, ParseRules
from castro_spark.rules import configured, parse_rules
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit.ledger import read_ledger
from castro_spark.sinks.postgres.commit.quarantine import STATUSES
from castro_spark.sinks.postgres.commit.rules.source import fixed_source
from castro_spark.sinks.postgres.operations.pruning import quarantine_use
from castro_spark.streams.declaration import StreamDeclaration

_ROWS = 50
_MOST_EDITED = 128 * 1024  # of bytes in a form: with more of them in one line, browsers take seconds for each key

# What each reason says to an operator.
REASONS = {
    "not_json": text("It is not one JSON text in UTF-8."),
    "not_an_object": text("It is JSON, but the record, its data or its row is no object."),
    "unknown_envelope": text("It has neither table and data nor a change with a source; perhaps another tool's."),
    "missing_field": text("A required field is absent or null."),
    "bad_number": text("There is a text, NaN or a boolean where a number should be."),
    "out_of_range": text("The number has more digits than its column, or a price is negative."),
    "too_precise": text("The number has more decimals than its column."),
    "bad_timestamp": text("The time cannot be read, or there is no such day or hour."),
    "timestamp_out_of_range": text("The time is before 1990, or too far in the future."),
    "bad_text": text("A text is empty, too long, or has control characters."),
    "too_large": text("The value is larger than records may be."),
    "unavailable_value": text("A column was not sent, and no earlier record has it."),
    "duplicate_key": text("One key comes twice in an object: which value counts is not known."),
    "too_complex": text("It is nested too deeply, or an object has too many members."),
    "other_source": text("It is a change of another server, database or schema than the stream's."),
    "bad_key": text("The record's key cannot be read, or does not identify rows."),
    "ambiguous_id": text("Two forms of an id in one batch mean the same."),
    "other_identity": text("It is identified in another way than the stream's other events."),
}
STATUS_WORDS = {"open": text("Open"), "replayed": text("Replayed"), "discarded": text("Discarded")}  # of many
ITS_STATUS = {"open": text("waits for a decision"), "replayed": text("replayed"), "discarded": text("discarded")}


@dataclass(frozen=True)
class Group:
    """Records of one stream and reason."""

    stream: str
    reason: str
    records: int
    newest: int


@dataclass(frozen=True)
class Row:
    """A record in the list; `beginning`: of its value, in one line."""

    id: int
    stream: str
    reason: str
    detail: str | None
    partition: int
    offset: int
    quarantined_at: datetime
    resolved_at: datetime | None
    note: str | None
    bytes: int | None
    cut: bool
    beginning: str


@dataclass(frozen=True)
class Stored:
    """A record in quarantine, with its bytes."""

    id: int
    stream: str
    topic: str
    generation: int
    partition: int
    offset: int
    record_timestamp: datetime | None
    key: bytes | None
    value: bytes | None
    value_length: int | None
    value_sha256: str | None
    reason: str
    detail: str | None
    status: str
    note: str | None
    quarantined_at: datetime
    resolved_at: datetime | None

    @property
    def is_editable(self) -> bool:
        """Whether it can be mended in a form: its whole value is here, and not too long."""
        return self.value_length is None and len(self.value or b"") <= _MOST_EDITED


@dataclass(frozen=True)
class Beside:
    """What the stream's table has of the event that a trial found; `newer`: it would not be overwritten."""

    values: Mapping[str, str | None]
    newer: bool


def _list(asked: Asked) -> Answer:
    status = asked.query.get("status", "open")
    if status not in STATUSES:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no status {status!r}")
    stream, reason, start = asked.query.get("stream"), asked.query.get("reason"), before(asked)
    counts = [Group(**row) for row in asked.snapshot.rows("page/quarantine_counts.sql", {"status": status})]
    wanted = [g for g in counts if stream in (None, g.stream) and reason in (None, g.reason)]
    rows, older = paged(_rows(asked, status, wanted, start), _ROWS, asked, lambda row: row.id)
    return work(
        asked,
        status=status, statuses=STATUS_WORDS, stream=stream, reason=reason, reasons=REASONS, groups=wanted,
        of_streams=_sums(counts, "stream", reason), of_reasons=_sums(counts, "reason", stream),
        rows=rows, older=older, total=sum(g.records for g in wanted), newest=max((g.newest for g in wanted), default=0),
        first_page=start is None, address=lambda **changes: address(asked, before=None, **changes),
        warnings=_warnings(asked, {g.stream for g in counts}) if start is None else [],
    )  # fmt: skip


def _rows(asked: Asked, status: str, groups: Sequence[Group], start: int | None) -> list[Row]:
    found = asked.snapshot.rows(
        "page/quarantine.sql",
        {
            "status": status, "before": start, "limit": _ROWS + 1, "streams": [g.stream for g in groups],
            "reasons": [g.reason for g in groups],
        },
    )  # fmt: skip
    return [Row(**{**row, "beginning": preview(_bytes(row["beginning"]))}) for row in found]


def _sums(counts: Sequence[Group], of: str, other: str | None) -> dict[str, int]:
    """Records by stream or by reason, of the chosen other one; the most frequent first."""
    kept = [g for g in counts if other is None or other in (g.stream, g.reason)]
    sums = {name: sum(g.records for g in kept if getattr(g, of) == name) for name in {getattr(g, of) for g in kept}}
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def _warnings(asked: Asked, streams: set[str]) -> list[str]:
    """What housekeeping says of a quarantine that is nearly full. It measures all records: for the first page only."""
    conf = asked.settings.housekeeping
    uses = [quarantine_use(asked.snapshot.connection, s, conf) for s in asked.streams if s.name in streams]
    return [use.warning for use in uses if use.warning]


def _one(asked: Asked) -> Answer:
    return _shown(asked, Form({}))


def _shown(asked: Asked, form: Form, trial: Trial | None = None, beside: Beside | None = None) -> Answer:
    record = _stored(asked)
    edited = form.fields["value"][0] if "value" in form.fields else None
    begin = editable(record.value) if record.is_editable and record.value is not None else ""
    return work(
        asked,
        record=record, reasons=REASONS, statuses=ITS_STATUS, trial=trial, beside=beside,
        value=shown(record.value) if record.value is not None else None,
        key=_key(record.key), edited=edited if edited is not None else begin,
    )  # fmt: skip


def _key(key: bytes | None) -> Shown | None:
    return None if key is None else shown(key)


def _stored(asked: Asked) -> Stored:
    row = asked.snapshot.row("page/quarantined.sql", {"id": asked.path["id"]})
    if row is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"no record in quarantine has the number {asked.path['id']}")
    return Stored(**{**row, "key": _bytes(row["key"]), "value": _bytes(row["value"])})


def _bytes(value: memoryview | bytes | None) -> bytes | None:
    return None if value is None else bytes(value)


async def _try(request: Request) -> Response:
    """Shows the record again, with what the stream's code makes of the value in the form."""
    if request.method != "POST":
        return RedirectResponse(f"/quarantine/{request.path_params['id']}", HTTPStatus.SEE_OTHER)
    form = await read_form(request)
    if "value" not in form.fields:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "there is no value to try")
    return await run_in_threadpool(_answer_trial, request, form)


def _answer_trial(request: Request, form: Form) -> Response:
    state = request.app.state
    with state.database.snapshot() as snapshot:
        asked = Asked.by(request, snapshot)
        record = _stored(asked)
        stream = next((s for s in state.streams if s.name == record.stream), None)
        rules = _rules(asked, stream, record) if stream else None
    # Outside of the snapshot: it takes a second.
    mended = Record(record.partition, record.offset, record.record_timestamp, record.key, value_of(form))
    trial = tried(rules, mended) if rules else Trial(problem="unknown_stream")
    with state.database.snapshot() as snapshot:
        asked = Asked.by(request, snapshot)
        beside = _beside(asked, stream, trial) if stream else None
        values = {"settings": state.settings, "streams": state.streams, **_shown(asked, form, trial, beside)}
        values["back"] = f"/quarantine/{record.id}"
        # It does not ask again by itself: that would be for another page, without what was written.
        page = replace(_PAGE, live=False)
        response: Response = state.renderer.page(request, page.template, {"page": page, **values}, now=snapshot.at)
    return response


def _rules(asked: Asked, stream: StreamDeclaration, record: Stored) -> ParseRules:
    """Those by which a replay would parse it now (batch/replay.py)."""
    settings: Settings = asked.settings
    connection = asked.snapshot.connection
    ledger = read_ledger(connection, stream.name)
    of_warehouse = record.generation == WAREHOUSE_GENERATION
    known = Kinds() if of_warehouse or ledger is None else ledger.warehouse_kinds
    source = fixed_source(connection, stream.name)
    return parse_rules(configured(stream, settings), settings, record.generation, warehouse=known, source=source)


def _beside(asked: Asked, stream: StreamDeclaration, trial: Trial) -> Beside | None:
    if trial.outcome not in ("event", "delete") or trial.position is None:
        return None
    row = asked.snapshot.row(
        "page/event.sql",
        {"id": trial.values["event_id"]},
        columns=sql.SQL(", ").join(map(sql.Identifier, [c for c in stream.event_columns if c != "source_position"])),
        events=sql.Identifier(stream.events_table),
    )
    if row is None:
        return None
    position = bytes(row.pop("source_position"))
    return Beside({n: None if v is None else str(v) for n, v in row.items()}, newer=position > trial.position)


def _raw(asked: Asked) -> Response:
    record = _stored(asked)
    headers = {"Content-Disposition": f'attachment; filename="quarantine-{record.id}.bin"'}
    return Response(record.value or b"", media_type="application/octet-stream", headers=headers)


_PAGE = Page(
    "quarantine_record", "/quarantine/{id:row}", text("A record in quarantine"), _one, "quarantine_record.html",
    group=None, within="quarantine",
)  # fmt: skip
ROUTES: tuple[Page | Data | BaseRoute, ...] = (
    Page("quarantine", "/quarantine", text("Quarantine"), _list, "quarantine.html"),
    _PAGE,
    Data("quarantine_value", "/quarantine/{id:row}/value", _raw),
    Route("/quarantine/{id:row}/try", _try, methods=["GET", "POST"]),
)
