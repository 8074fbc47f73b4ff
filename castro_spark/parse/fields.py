"""One field: JSON text -> an exact value or the reason why not. Built-in column functions only.

For each type there are two functions: `*_value` takes the field's text as the JSON holds it (null where
absent), `*_reason` takes the text and that value, as columns, and gives a reason code or null; the value
only counts where the reason is null. (Two, so that a caller can compute the value once and name it in both.)
Nothing here raises on bad data, whatever the session's ANSI mode, nor depends on the session's time zone.
"""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import Column
from pyspark.sql import functions as F

from castro_spark.features.calendar import instant_of_local
from castro_spark.parse.reasons import Reason

PRECISION, SCALE = 18, 6
_DECIMAL = f"decimal({PRECISION},{SCALE})"
_INTEGER_DIGITS = PRECISION - SCALE
# Nearly every number has this form and fits: the expensive questions are asked of the others only.
_USUAL_NUMBER = rf"^-?[0-9]{{1,{_INTEGER_DIGITS}}}(\.[0-9]{{1,{SCALE}}})?$"
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"

_TIME = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?"
_OFFSET = r"(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)"
_USUAL_LOCAL = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?$"
_ISO_LOCAL = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([Tt ]{_TIME})?$"
_ISO_OFFSET = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt ]{_TIME} ?{_OFFSET}$"
CONTROL = r"\p{Cc}"
_EPOCH = r"^-?[0-9]+$"
_LONGEST_EPOCH = 15  # "-" and 14 digits: beyond the year 5000, well within a long of microseconds
_EARLIEST_YEAR = 1990



def decimal_value(text: Column) -> Column:
    """Text -> decimal(18,6); exact wherever decimal_reason finds nothing."""
    return text.try_cast(_DECIMAL)


def decimal_reason(text: Column, value: Column, *, required: bool, non_negative: bool) -> Column:
    """missing_field, bad_number, out_of_range, too_precise, or null.

    Takes the JSON grammar of numbers, also inside a string, with an optional + sign. Out of range is over 12
    digits before the point, or negative where it must not be; too precise is over 6 decimals that count
    (trailing zeros do not): such a number is refused, never rounded.
    """
    negative = F.when(value < 0, Reason.OUT_OF_RANGE.column) if non_negative else F.lit(None)
    return (
        F.when(text.isNull(), _missing(required))
        .when(text.rlike(_USUAL_NUMBER), negative)
        .otherwise(F.coalesce(_unusual_number(text, value), negative))
    )


def _unusual_number(text: Column, value: Column) -> Column:
    """The reason for a number in an unusual form, from its digits: its double would have lost some."""
    mantissa = F.regexp_extract(text, r"^[+-]?([0-9.]+)", 1)
    exponent_text = F.regexp_extract(text, r"[eE]([+-]?[0-9]+)$", 1)
    exponent = F.when(exponent_text == "", F.lit(0)).otherwise(exponent_text.try_cast("int"))
    digits = F.replace(mantissa, F.lit("."), F.lit(""))
    no_trailing = F.rtrim(digits, F.lit("0"))
    significant = F.ltrim(no_trailing, F.lit("0"))
    fraction = F.length(F.split_part(mantissa, F.lit("."), F.lit(2)))
    # Number = significant x 10^-scale. As bigint, for an exponent near the ends of int must not overflow.
    scale = (fraction - (F.length(digits) - F.length(no_trailing))).cast("bigint") - exponent
    integer_digits = F.length(significant) - scale
    huge_exponent = F.when(exponent_text.startswith("-"), Reason.TOO_PRECISE.column).otherwise(
        Reason.OUT_OF_RANGE.column
    )
    return (
        F.when(~text.rlike(_NUMBER), Reason.BAD_NUMBER.column)
        .when(significant == "", F.when(value.isNull(), Reason.OUT_OF_RANGE.column))
        .when(exponent.isNull(), huge_exponent)
        .when(integer_digits > _INTEGER_DIGITS, Reason.OUT_OF_RANGE.column)
        .when(scale > SCALE, Reason.TOO_PRECISE.column)
        # A form so long that Spark's own cast gives up on it, though its value would fit.
        .when(value.isNull(), Reason.OUT_OF_RANGE.column)
    )


def timestamp_value(text: Column, timezone: str) -> Column:
    """Text -> timestamp, to the microsecond (further digits are cut); null where it is none.

    ISO-8601 with an offset is that instant; without one it is a local time of `timezone` (a date alone is its
    midnight); digits alone are epoch milliseconds. A local time that a clock change skips is moved on by
    the change, one that comes twice is the first.
    """
    epoch = text.rlike(_EPOCH) & (F.length(text) <= _LONGEST_EPOCH)
    return (
        F.when(text.rlike(_USUAL_LOCAL), _local(text, timezone))
        .when(text.rlike(_ISO_LOCAL), _local(_with_seconds(text), timezone))
        .when(text.rlike(_ISO_OFFSET), _with_seconds(text).try_cast("timestamp"))
        .when(epoch, F.timestamp_millis(text.try_cast("bigint")))
    )


def timestamp_reason(
    text: Column, value: Column, *, required: bool, timezone: str, now: Column, allowance: timedelta
) -> Column:
    """missing_field, bad_timestamp, timestamp_out_of_range (before 1990 local, after `now` + `allowance`)."""
    earliest = instant_of_local(F.lit(f"{_EARLIEST_YEAR}-01-01T00:00:00Z").cast("timestamp"), timezone)
    latest = now + F.make_dt_interval(secs=F.lit(int(allowance.total_seconds())))
    too_long = text.rlike(_EPOCH) & (F.length(text) > _LONGEST_EPOCH)
    return (
        F.when(text.isNull(), _missing(required))
        .when(value.isNull() & too_long, Reason.TIMESTAMP_OUT_OF_RANGE.column)
        .when(value.isNull(), Reason.BAD_TIMESTAMP.column)
        .when((value < earliest) | (value > latest), Reason.TIMESTAMP_OUT_OF_RANGE.column)
    )


def _local(iso: Column, timezone: str) -> Column:
    return instant_of_local(F.concat(iso, F.lit("Z")).try_cast("timestamp"), timezone)


def _with_seconds(iso: Column) -> Column:
    """The forms of ISO-8601 that Spark's cast does not take, made into the one that it does."""
    plain = F.upper(F.replace(F.replace(iso, F.lit(","), F.lit(".")), F.lit(" "), F.lit("T")))
    dated = F.when(F.length(plain) == len("2010-12-01"), F.concat(plain, F.lit("T00:00:00"))).otherwise(plain)
    tight = F.regexp_replace(dated, "T(Z|[+-])", "$1")  # a blank before the offset became a T
    seconds = F.regexp_replace(tight, "T([0-9]{2}:[0-9]{2})(Z|[+-].*)?$", "T$1:00$2")
    return F.regexp_replace(seconds, "([+-][0-9]{2})([0-9]{2})$", "$1:$2")


def text_value(text: Column, *, required: bool) -> Column:
    """Text as it is; where the field is optional, a blank text counts as absent (null)."""
    return text if required else F.when(F.trim(text) != "", text)


def text_reason(text: Column, *, required: bool, max_length: int, not_a_text: Column) -> Column:
    """missing_field, bad_text (blank where needed, over `max_length` characters, a control character), or null.

    `not_a_text` is true where the JSON holds an object, an array, a boolean or half a character.
    """
    bad = (F.length(text) > max_length) | text.rlike(CONTROL) | not_a_text
    if required:
        bad = (F.trim(text) == "") | bad
    return F.when(text.isNull(), _missing(required)).when(bad, Reason.BAD_TEXT.column)


def _missing(required: bool) -> Column:
    return Reason.MISSING_FIELD.column if required else F.lit(None).cast("string")
