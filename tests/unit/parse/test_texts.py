"""Texts in the form by which they are compared: Python's and Arrow's are the same."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castro_spark.parse.reasons import Reason, Unusable
from castro_spark.parse.values.arrow_texts import normal_ids, normal_names
from castro_spark.parse.values.texts import BLANKS, normal_id, normal_name, plain_digits


@pytest.mark.parametrize(
    ("sent", "name", "id_"),
    [
        ("A1", "A1", "A1"),
        ("A1      ", "A1", "A1"),  # CHAR(8)
        ("  A1\t", "A1", "  A1"),
        ("\u00a0A1\u00a0", "A1", "\u00a0A1"),
        ("\ufeffA1", "A1", "\ufeffA1"),
        ("\u200bA1\u200b\u200f", "A1", "\u200bA1"),
        ("A1\u0085\u2028", "A1", "A1"),
        ("A\u00a01", "A\u00a01", "A\u00a01"),
        ("AC\u0327U\u0301CAR", "AÇÚCAR", "AÇÚCAR"),
        (" \u00a0\u200b\u3164\u2800", "", ""),
        ("\x00A1", "\x00A1", "\x00A1"),
        ("", "", ""),
    ],
)
def test_both_forms(sent, name, id_):
    assert (normal_name(sent), normal_id(sent)) == (name, id_)


@settings(deadline=None)
@given(
    st.lists(st.text(st.sampled_from(BLANKS) | st.sampled_from("A\u0301\u0327C\u1100\u1161\u0340\x00") | st.characters()))
)
def test_arrow_gives_what_python_gives_and_twice_changes_nothing_more(texts):
    texts = [t for t in texts if t.isascii() or not any("\ud800" <= c <= "\udfff" for c in t)]
    for one, many in ((normal_name, normal_names), (normal_id, normal_ids)):
        once = [one(t) for t in texts]
        assert many(pa.array(texts, pa.string())).to_pylist() == once
        assert [one(t) for t in once] == once


@pytest.mark.parametrize(
    ("number", "digits"),
    [("1234", "1234"), ("7.0", "7"), ("1e3", "1000"), ("1.5E+1", "15"), ("-0.0", "0"), ("0e99", "0"), ("-5.00", "-5"),
     ("1234567890123456789012345678901234567890.00", "1234567890123456789012345678901234567890")],
)  # fmt: skip
def test_a_number_as_text_is_its_plain_digits(number, digits):
    assert plain_digits(number) == digits


@pytest.mark.parametrize(
    "number", ["1.5", "1e-3", "1e1000", "1e99999999999999999999", "1e-99999999999999999999", "9" * 1001,
               "1234567890123456789012345678901234567890.5"]
)  # fmt: skip
def test_a_number_with_a_fraction_or_too_many_digits_is_no_text(number):
    with pytest.raises(Unusable) as unusable:
        plain_digits(number)
    assert unusable.value.reason is Reason.BAD_TEXT
