"""Series over time as figures for people: what a template draws as SVG, and the same as a table. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 8, 8, 22
_STEPS = (1, 2, 2.5, 5, 10)
_LEAST = 1e-9  # nothing that is measured is less
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
# Of lengths of time beyond ten seconds: each of their multiples is written as it is.
_TIME_STEPS = (
    5, 10, 15, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR,
    6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY,
)  # fmt: skip


@dataclass(frozen=True)
class Size:
    """How large a series is drawn, in units of which letters have eleven, and how many hours apart its labels are. An
    SVG scales with its letters: so a phone gets a drawing of its own."""

    name: str
    width: int
    height: int
    label_hours: int


SIZES = (Size("desk", 760, 180, 4), Size("phone", 320, 150, 6))


@dataclass(frozen=True)
class Series:
    """A line: its name (for text()), its class in the style sheet, and its points in order of time."""

    name: str
    style: str
    points: Sequence[tuple[datetime, float]]


@dataclass(frozen=True)
class Line:
    """A line as it is drawn: pieces of points `x,y`, broken where nothing was measured; single points as circles."""

    name: str
    style: str
    pieces: list[str]
    dots: list[tuple[float, float]]


@dataclass(frozen=True)
class Drawing:
    """The series in one size. `ticks`: value and its y. `hours`: a time and its x."""

    size: Size
    lines: list[Line]
    ticks: list[tuple[float, float]]
    hours: list[tuple[datetime, float]]
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class Figure:
    """The same in each size. `rows`: for each hour of the day the greatest value of each series, None where there is
    none. `format`: the filter that writes a value."""

    series: Sequence[Series]
    drawings: list[Drawing]
    rows: list[tuple[datetime, list[float | None]]]
    format: str

    @property
    def is_empty(self) -> bool:
        return not self.rows


def figure(
    series: Sequence[Series], since: datetime, until: datetime, zone: ZoneInfo, *, gap: timedelta, written: str
) -> Figure:
    """The series from `since` to `until`. A line breaks where its points are further apart than `gap`."""
    most = max((value for line in series for _, value in line.points), default=0.0)
    ticks = list(_ticks(most, _time_step(most) if written == "duration" else None))
    drawings = [_drawing(series, ticks, since, until, zone, gap, size) for size in SIZES]
    return Figure(series, drawings, list(_rows(series, since, zone)), written)


def _drawing(
    series: Sequence[Series], ticks: Sequence[float], since: datetime, until: datetime, zone: ZoneInfo, gap: timedelta,
    size: Size,
) -> Drawing:  # fmt: skip
    top = ticks[-1] or 1.0
    span = (until - since).total_seconds()
    bottom, right = size.height - _BOTTOM, size.width - _RIGHT

    def x(at: datetime) -> float:
        return round(_LEFT + (right - _LEFT) * (at - since).total_seconds() / span, 1)

    def y(value: float) -> float:
        return round(bottom - (bottom - _TOP) * value / top, 1)

    lines = []
    for line in series:
        within = [(at, value) for at, value in line.points if since <= at <= until]
        pieces = list(_pieces(within, gap))
        drawn = [" ".join(f"{x(at)},{y(value)}" for at, value in piece) for piece in pieces if len(piece) > 1]
        dots = [(x(piece[0][0]), y(piece[0][1])) for piece in pieces if len(piece) == 1]
        lines.append(Line(line.name, line.style, drawn, dots))
    return Drawing(
        size, lines, [(value, y(value)) for value in ticks],
        [(at, x(at)) for at in _hours(since, until, zone, size.label_hours)], _LEFT, bottom, right,
    )  # fmt: skip


def _time_step(most: float) -> float | None:
    """The step for lengths of time up to `most` seconds, if there is one."""
    return next((step for step in _TIME_STEPS if step * 4 >= most), None) if most > 2 * _TIME_STEPS[0] else None


def _ticks(most: float, step: float | None = None) -> Iterator[float]:
    """Round values from 0 to beyond `most`, three to five of them."""
    if most < _LEAST:
        yield 0.0
        yield 1.0
        return
    if step is None:
        power = 10 ** math.floor(math.log10(most / 3))
        step = next(step * power for step in _STEPS if step * power * 4 >= most)
    for number in range(math.ceil(most / step) + 1):
        yield number * step


def _pieces(points: Sequence[tuple[datetime, float]], gap: timedelta) -> Iterator[list[tuple[datetime, float]]]:
    piece: list[tuple[datetime, float]] = []
    for at, value in points:
        if piece and at - piece[-1][0] > gap:
            yield piece
            piece = []
        piece.append((at, value))
    if piece:
        yield piece


def _hours(since: datetime, until: datetime, zone: ZoneInfo, apart: int) -> Iterator[datetime]:
    """The full hours at which the axis is labelled, by the local clock."""
    at = since.astimezone(zone).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while at <= until:
        if at.hour % apart == 0:
            yield at
        at += timedelta(hours=1)


def _rows(series: Sequence[Series], since: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, list[float | None]]]:
    greatest: dict[datetime, list[float | None]] = {}
    for number, line in enumerate(series):
        for at, value in line.points:
            if at < since:
                continue
            hour = at.astimezone(zone).replace(minute=0, second=0, microsecond=0)
            row = greatest.setdefault(hour, [None] * len(series))
            known = row[number]
            row[number] = value if known is None else max(known, value)
    yield from sorted(greatest.items(), reverse=True)
