"""One field: JSON text -> an exact value, or Unusable with the reason.

Each reader takes the field's value as the envelope has it: a str for a text or a number; anything else is bad. The
reader of an optional field returns None for a blank; any other unusable value still rejects the record.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from castro_spark.local_day import EARLIEST_YEAR
from castro_spark.parse.reasons import Reason, Unusable
from castro_spark.parse.values.document import Number
from castro_spark.parse.values.texts import BLANKS, NO_TEXT, is_over_long, normal_name, plain_digits

Reader = Callable[[object], object]

PRECISION, SCALE = 18, 6
_INTEGER_DIGITS = PRECISION - SCALE
# Nearly every number has this form and fits: only the others need the expensive checks.
USUAL_NUMBER = rf"-?[0-9]{{1,{_INTEGER_DIGITS}}}(\.[0-9]{{1,{SCALE}}})?"
_USUAL_NUMBER = re.compile(USUAL_NUMBER).fullmatch
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?").fullmatch
_LONGEST_NUMBER = 10_000
_SMALLEST = Decimal(1).scaleb(-SCALE)

_USUAL_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.([0-9]{3}){1,2})?").fullmatch
_ISO = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"([Tt ](?P<minute>[0-9]{2}:[0-9]{2})(:(?P<second>[0-9]{2})([.,](?P<fraction>[0-9]{1,9}))?)?"
    r" ?(?P<offset>[Zz]|(?P<sign>[+-])(?P<hours>[0-9]{2})(:?(?P<minutes>[0-9]{2}))?)?)?"
).fullmatch
_EPOCH_MILLISECONDS = re.compile(r"-?[0-9]+").fullmatch
_LONGEST_EPOCH = 15  # "-" and 14 digits: beyond the year 5000
_MOST_OFFSET_HOURS, _MINUTES_AN_HOUR = 18, 60
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_LAST_EPOCH_YEAR = 2100

_TIME_OF_NO_DATE = re.compile(
    r"([Tt ](00:00(:00([.,]0{1,9})?)?|23:59(:59([.,][0-9]{1,9})?)?) ?([Zz]|[+-][0-9:]{2,5})?)?"
).fullmatch
_ISO_DATE = 10  # characters


def decimal_reader(*, non_negative: bool) -> Reader:
    """A reader of numbers: plain digits that decimal(18,6) represents exactly (str).

    Takes the JSON grammar of numbers, also inside a string, with an optional + sign. bad_number: not such a number;
    out_of_range: over 12 digits before the point, or negative with `non_negative`; too_precise: over 6 significant
    decimals (trailing zeros do not count), which are refused, never rounded.
    """

    def read(text: object) -> str:
        if not isinstance(text, str):
            raise Unusable(Reason.BAD_NUMBER)
        plain = text if _USUAL_NUMBER(text) else _unusual_number(text)
        if non_negative and plain[0] == "-" and Decimal(plain):
            raise Unusable(Reason.OUT_OF_RANGE)
        return plain

    return read


def _unusual_number(text: str) -> str:
    if not _NUMBER(text):
        raise Unusable(Reason.BAD_NUMBER)
    try:
        number = Decimal(text) if len(text) <= _LONGEST_NUMBER else Decimal("Infinity")
    except InvalidOperation:  # the exponent is out of Decimal's range
        number = Decimal("0e-999999") if "e-" in text.lower() else Decimal("Infinity")
    if not number.is_finite():
        raise Unusable(Reason.OUT_OF_RANGE)
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    if not any(digits):
        if set(re.sub("[eE].*", "", text)) & set("123456789"):
            raise Unusable(Reason.TOO_PRECISE)
        return "0"
    trailing = next(n for n, digit in enumerate(reversed(digits)) if digit)
    if len(digits) + exponent > _INTEGER_DIGITS:
        raise Unusable(Reason.OUT_OF_RANGE)
    if -(exponent + trailing) > SCALE:
        raise Unusable(Reason.TOO_PRECISE)
    return f"{number.quantize(_SMALLEST):f}"


def timestamp_reader(zone: ZoneInfo, latest: datetime) -> Reader:
    """A reader of timestamps: microseconds since 1970 UTC (int), by the local calendar of `zone`, up to `latest`.

    ISO-8601 with an offset is that instant; without one it is a local time (a date alone is its midnight); digits
    alone are epoch milliseconds. A local time that a clock change skips is moved forward by the change; an ambiguous
    one is the first. Digits beyond microseconds are truncated. bad_timestamp: none of these, or no such day or hour;
    timestamp_out_of_range: before 1990 local, or after `latest`.
    """
    first = _micros(datetime(EARLIEST_YEAR, 1, 1, tzinfo=zone))
    last = _micros(latest)

    def read(text: object) -> int:
        if not isinstance(text, str):
            raise Unusable(Reason.BAD_TIMESTAMP)
        try:
            if _USUAL_LOCAL(text):
                micros = _micros(datetime.fromisoformat(text).replace(tzinfo=zone))
            elif _EPOCH_MILLISECONDS(text):
                micros = int(text) * 1000 if len(text) <= _LONGEST_EPOCH else last + 1
            else:
                micros = _micros(_iso(text, zone))
        except ValueError:  # no such day or hour
            raise Unusable(Reason.BAD_TIMESTAMP) from None
        if not first <= micros <= last:
            raise Unusable(Reason.TIMESTAMP_OUT_OF_RANGE)
        return micros

    return read


def date_reader(zone: ZoneInfo, latest: datetime) -> Reader:
    """A reader of dates: the local calendar day (date) of `zone` that a date or a timestamp names, up to `latest`.

    Raises as timestamp_reader does, and bad_timestamp for digits that are not epoch milliseconds of 1990 to 2100, such
    as a count of days or a date without hyphens.
    """
    instant = timestamp_reader(zone, latest)
    first = _micros(datetime(EARLIEST_YEAR, 1, 1, tzinfo=zone)) // 1000
    last = _micros(datetime(_LAST_EPOCH_YEAR + 1, 1, 1, tzinfo=zone)) // 1000

    def read(text: object) -> date:
        is_count = isinstance(text, str) and _EPOCH_MILLISECONDS(text)
        if is_count and not (len(str(text)) <= _LONGEST_EPOCH and first <= int(str(text)) < last):
            raise Unusable(Reason.BAD_TIMESTAMP)
        micros = instant(text)
        assert isinstance(micros, int)
        return (_EPOCH + timedelta(microseconds=micros)).astimezone(zone).date()

    return read


def optional(reader: Reader, none_dates: frozenset[str] = frozenset()) -> Reader:
    """The reader of an optional field: None for a blank, and for a date in `none_dates` or its first or last moment."""

    def read(value: object) -> object:
        if isinstance(value, str):
            text = value.strip(BLANKS)
            if not text or text in none_dates:
                return None
            if text[:_ISO_DATE] in none_dates and _TIME_OF_NO_DATE(text[_ISO_DATE:]):
                return None
        return reader(value)

    return read


def _iso(text: str, zone: ZoneInfo) -> datetime:
    parts = _ISO(text)
    if parts is None:
        raise Unusable(Reason.BAD_TIMESTAMP)
    fraction = (parts["fraction"] or "")[:6].ljust(6, "0")
    iso = f"{parts['date']}T{parts['minute'] or '00:00'}:{parts['second'] or '00'}.{fraction}"
    return datetime.fromisoformat(iso).replace(tzinfo=_offset(parts, zone))


def _offset(parts: re.Match[str], zone: ZoneInfo) -> ZoneInfo | timezone:
    if parts["offset"] is None:
        return zone
    if parts["sign"] is None:
        return timezone.utc
    hours, minutes = int(parts["hours"]), int(parts["minutes"] or 0)
    if hours > _MOST_OFFSET_HOURS or minutes >= _MINUTES_AN_HOUR:
        raise Unusable(Reason.BAD_TIMESTAMP)
    size = timedelta(hours=hours, minutes=minutes)
    return timezone(size if parts["sign"] == "+" else -size)


def _micros(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND


def text_reader(*, required: bool, max_length: int, normal: Callable[[str], str] = normal_name) -> Reader:
    """A reader of texts: the text in its `normal` form; a blank optional text is absent (None).

    A number (Number) becomes its plain digits. bad_text: blank although required, over `max_length` characters, a
    control character, a lone surrogate, a number with a fraction, or not a text (an object, an array, a boolean).
    """
    # Fast path: nearly every text is printable ASCII without surrounding blanks.
    usual = re.compile(rf"[!-~][ -~]{{0,{max_length - 1}}}(?<! )").fullmatch

    def read(value: object) -> str | None:
        if type(value) is str and usual(value):
            return value
        if not isinstance(value, str):
            raise Unusable(Reason.BAD_TEXT)
        if isinstance(value, Number):
            value = plain_digits(value)
        if is_over_long(value, max_length):
            raise Unusable(Reason.BAD_TEXT)
        text = normal(value)
        if len(text) > max_length or NO_TEXT(text):
            raise Unusable(Reason.BAD_TEXT)
        if not text and required:
            raise Unusable(Reason.BAD_TEXT)
        return text or None

    return read
