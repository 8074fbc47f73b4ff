"""What an operator asks of running processes: forms become rows of castro.command, and pages show what became of them.

A form carries a uuid: sent twice, it asks once. The session belongs to a role that may insert commands and nothing else
(page.actions); without it every form is refused. A request from another site never comes here (security.py).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit
from uuid import UUID, uuid4

import psycopg2
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from castro_spark.errors import CastroError, first_line
from castro_spark.page.page import Answer, Asked
from castro_spark.page.reading.trouble import Trouble, TroubleKind
from castro_spark.page.web.numbers import row_number
from castro_spark.page.words.language import text
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.operations import commands
from castro_spark.sinks.postgres.operations.instances import SILENT_SECONDS

_EXPIRES_SECONDS = 900.0
_MOST_BYTES = 6 << 20  # a value of 1 MiB, encoded as a form
_MOST_FIELDS = 2000
_MOST_HOURS = 24 * 31

# Why a form was not sent.
REFUSALS = {
    "nothing": text("Nothing was asked: choose at least one."),
    "reason": text("Nothing was asked: give a reason."),
    "hours": text("Nothing was asked: give the hours as a number."),
}


class Refused(Exception):
    """The form is not complete; the message is a key of REFUSALS."""


@dataclass(frozen=True)
class Form:
    """The fields of a form, each perhaps several times."""

    fields: Mapping[str, list[str]]

    def one(self, name: str) -> str:
        """A field's first value, without NUL, which no text in PostgreSQL has; "" if it is not there."""
        return next(iter(self.fields.get(name, [])), "").replace("\0", "").strip()

    def numbers(self, name: str) -> list[int]:
        """A field's values that are numbers of rows."""
        numbers = map(row_number, self.fields.get(name, []))
        return [number for number in numbers if number is not None]

    def number(self, name: str) -> int:
        """A field's whole number. Raises Refused."""
        found = self.numbers(name)
        if not found:
            raise Refused("nothing")
        return found[0]

    def reason(self, name: str = "reason") -> str:
        """A field's words. Raises Refused without any."""
        if not (words := self.one(name)):
            raise Refused("reason")
        return words[:1000]


@dataclass(frozen=True)
class Asks:
    """What a form asks: the arguments of an action (batch/actions.py), or the addressed writer of a stop."""

    arguments: dict[str, Any]
    stream: str | None = None
    epoch: int | None = None
    application: str | None = None
    expires: float = _EXPIRES_SECONDS


def _records(form: Form) -> dict[str, Any]:
    """The chosen records; all of a reason and stream up to the last one that the operator saw, if he asks for all."""
    if form.one("all"):
        chosen: dict[str, Any] = {"up_to": form.number("up_to")}
        if reason := form.one("of_reason"):
            chosen["reason"] = reason
        if stream := form.one("of_stream"):
            chosen["streams"] = [stream]
        return chosen
    return {"ids": _chosen(form)}


def _chosen(form: Form) -> list[int]:
    if not (ids := form.numbers("id")):
        raise Refused("nothing")
    return ids


def _replay(form: Form) -> Asks:
    arguments = _records(form)
    if "value" in form.fields:
        arguments["value"] = base64.b64encode(value_of(form)).decode()
    return Asks(arguments)


def value_of(form: Form) -> bytes:
    """The mended value: browsers send the ends of lines as CR LF, whatever they were."""
    return form.fields["value"][0].replace("\r\n", "\n").encode()


def _discard(form: Form) -> Asks:
    chosen = _records(form)
    if not chosen.keys() & {"ids", "reason", "streams"}:
        raise Refused("nothing")
    return Asks({**chosen, "note": form.reason()})


def _mute(form: Form) -> Asks:
    try:
        hours = float(form.one("hours").replace(",", "."))
    except ValueError:
        raise Refused("hours") from None
    if not 0 <= hours <= _MOST_HOURS:
        raise Refused("hours")
    # Zero hours end a mute: a moment that is past when the command is served.
    until = datetime.now(timezone.utc) + timedelta(hours=hours, seconds=0 if hours else -1)
    return Asks({"incident": form.number("incident"), "until": until.isoformat(), "reason": form.reason()})


def _close(form: Form) -> Asks:
    return Asks({"incident": form.number("incident"), "reason": form.reason()})


def _retry(form: Form) -> Asks:
    if form.one("all"):
        channel = form.one("channel")
        return Asks({"channel": channel} if channel else {})
    return Asks({"ids": _chosen(form)})


def _give_up(form: Form) -> Asks:
    return Asks({"ids": _chosen(form), "note": form.reason()})


def _check(form: Form) -> Asks:
    check = form.one("check")
    return Asks({"checks": [check]} if check else {})


def _rebuild(form: Form) -> Asks:
    stream = form.one("stream")
    return Asks({"streams": [stream]} if stream else {})


def _stop(form: Form) -> Asks:
    epoch, application = form.numbers("epoch"), form.one("application")
    return Asks(
        {}, stream=form.one("stream"), epoch=epoch[0] if epoch else None, application=application or None, expires=60
    )


ACTS: dict[str, Callable[[Form], Asks]] = {
    "replay": _replay, "discard": _discard, "mute_incident": _mute, "close_incident": _close, "retry_messages": _retry,
    "discard_messages": _give_up, "check_quality": _check, "rebuild_cache": _rebuild, "stop": _stop,
}  # fmt: skip


async def read_form(request: Request) -> Form:
    """The form in a request's body. Raises HTTPException if it is too large."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a form has at most {_MOST_BYTES:,} bytes")
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:  # of UnicodeDecodeError too
        raise HTTPException(HTTPStatus.BAD_REQUEST, "this is no form of the page") from None
    return Form(fields)


async def act(request: Request) -> Response:
    """Sends what a form asks as a command, and goes back to its page, which shows what becomes of it."""
    settings: Settings = request.app.state.settings
    name = request.path_params["action"]
    if name not in ACTS:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no action {name}")
    if not settings.page.actions.enabled:
        raise HTTPException(HTTPStatus.FORBIDDEN, "actions are off: page.actions.enabled in the settings")
    form = await read_form(request)
    back = form.one("back")
    try:
        number = UUID(form.one("request"))
    except ValueError:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the form lacks its number") from None
    try:
        asks = ACTS[name](form)
    except Refused as refused:
        return RedirectResponse(_with(back, "refused", str(refused)), HTTPStatus.SEE_OTHER)
    await run_in_threadpool(_send, settings, number, name, asks, f"{request.state.user}, on the page")
    return RedirectResponse(_with(back, "request", str(number)), HTTPStatus.SEE_OTHER)


def _send(settings: Settings, number: UUID, name: str, asks: Asks, by: str) -> None:
    try:
        with closing(connect(settings.page.commander(settings.postgres), "castro_spark dashboard actions")) as session:
            commands.send(
                session, number, name, asks.arguments, requested_by=by, expires=asks.expires, stream=asks.stream,
                epoch=asks.epoch, application=asks.application,
            )  # fmt: skip
    except psycopg2.errors.InsufficientPrivilege as error:
        remedy = "docs/page.md has the rights of the role that page.actions.postgres_dsn names"
        raise Trouble(TroubleKind.REFUSED, first_line(error), remedy) from error
    except psycopg2.Error as error:
        away = isinstance(error, psycopg2.OperationalError)
        raise Trouble(TroubleKind.AWAY if away else TroubleKind.FAILED, first_line(error)) from error
    except CastroError as error:
        remedy = settings.page.commander_remedy(error.remedy)
        raise Trouble(TroubleKind.REFUSED, error.problem, remedy) from error


def _with(back: str, name: str, value: str) -> str:
    """The address to go back to, on this page only, with one more parameter."""
    try:
        parts = urlsplit(back)
    except ValueError:  # of brackets
        parts = urlsplit("/")
    if parts.scheme or parts.netloc or not back.startswith("/") or back.startswith(("//", "/\\")):
        parts = urlsplit("/")
    kept = {n: v for n, v in parse_qs(parts.query).items() if n not in ("request", "refused")}
    return urlunsplit(("", "", parts.path, urlencode({**kept, name: value}, doseq=True), ""))


def work(asked: Asked, **values: Any) -> Answer:
    """The values of an operator's page: its own, whether it may act, and what became of the command sent from it."""
    enabled = asked.settings.page.actions.enabled
    return {
        **values,
        "acts": enabled,
        "token": uuid4,
        "back": _path(asked.request),
        "refused": REFUSALS.get(asked.query.get("refused", "")),
        "sent": _sent(asked),
        "servers": _servers(asked) if enabled else 0,
    }


def _path(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _sent(asked: Asked) -> Mapping[str, Any] | None:
    """The command that was sent from the page before."""
    try:
        number = UUID(asked.query.get("request", ""))
    except ValueError:
        return None
    return asked.snapshot.row("page/command_sent.sql", {"request": str(number)})


def _servers(asked: Asked) -> int:
    """How many processes serve commands now."""
    found = asked.snapshot.row("page/command_servers.sql", {"silent": SILENT_SECONDS})
    return int(found["servers"]) if found else 0


ROUTES = (Route("/act/{action}", act, methods=["POST"]),)
