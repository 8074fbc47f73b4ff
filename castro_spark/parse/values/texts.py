"""Normalizes codes, names and ids to the form in which they are compared (arrow_texts: the same for Arrow's columns).

The same text may arrive composed or decomposed (normalized to NFC), padded to the width of a CHAR(n) column, or with
invisible blanks around it: no-break and zero-width ones, direction marks, a byte-order mark. Idempotent.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation

from castro_spark.parse.reasons import Reason, Unusable

_RANGES = (
    # Unicode's White_Space, and the separators that Python counts as such.
    (0x09, 0x0D), (0x1C, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
    (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000),
    # Invisible code points (Default_Ignorable_Code_Point): zero-width blanks, direction marks, the byte-order
    # mark, soft hyphens, fillers, variation selectors, tags.
    (0xAD, 0xAD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0001, 0xE0001),
    (0xE0020, 0xE007F), (0xE0100, 0xE01EF),
    # Braille without a dot.
    (0x2800, 0x2800),
)  # fmt: skip
BLANKS = "".join(chr(point) for first, last in _RANGES for point in range(first, last + 1))

# Control characters, and lone surrogates: no code, name or id has them.
NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]").search

_MOST_DECOMPOSED = 4  # code points that NFC composes to one
_LONGEST_NUMBER = 1_000  # characters and digits


def normal_name(text: str) -> str:
    """A code or a name: NFC, without blanks at either end; "" if it is blank."""
    if text.isascii():
        return text.strip(BLANKS)
    return unicodedata.normalize("NFC", text).strip(BLANKS)


def normal_id(text: str) -> str:
    """An id: NFC, without trailing blanks. Leading ones are part of it: no column is padded there."""
    if text.isascii():
        return text.rstrip(BLANKS)
    return unicodedata.normalize("NFC", text).rstrip(BLANKS)


def is_over_long(text: str, max_length: int) -> bool:
    """Whether its normal form has more than `max_length` characters for sure. Ask before: normalization may take
    quadratic time."""
    most = _MOST_DECOMPOSED * max_length
    return len(text) > most and len(text.strip(BLANKS)) > most


def plain_digits(number: str) -> str:
    """A JSON number in a text field -> its digits, without exponent and zero decimals.

    1e3 is 1000, 7.0 is 7, -0.0 is 0. Raises Unusable, bad_text: it has a fraction, or too many digits (over 1,000).
    """
    if number.isdigit() and len(number) <= _LONGEST_NUMBER:
        return str(number)
    try:
        exact = Decimal(number) if len(number) <= _LONGEST_NUMBER else None
    except InvalidOperation:  # the exponent is out of Decimal's range
        exact = None
    if exact is None or not exact.is_finite():
        raise Unusable(Reason.BAD_TEXT, f"{number[:80]}: a number of too many digits")
    if not exact:
        return "0"
    if exact.adjusted() >= _LONGEST_NUMBER or exact.adjusted() < 0 or exact != exact.to_integral_value():
        raise Unusable(Reason.BAD_TEXT, f"{number[:80]}: a number with a fraction, or of too many digits")
    return f"{exact:f}".partition(".")[0]
