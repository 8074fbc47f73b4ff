"""Records read many at once give the same as one by one, whatever is among them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from castro_spark.parse import SOURCE_COLUMNS, ParseRules, parse_batch, usual
from castro_spark.parse.rules import WAREHOUSE_GENERATION
from castro_spark.rules import parse_rules
from castro_spark.settings import load_settings
from castro_spark.streams import stream
from castro_spark.streams.declaration import FieldType, IdentityKind, IdentityRule
from tests.builders import SAMPLE, debezium, event, native, retail_events
from tests.unit.parse.test_records import NOW, REJECTS

SETTINGS = load_settings(environ={})
RULES = {
    name: replace(parse_rules(stream(name), SETTINGS, 3), now=NOW) for name in ("inventory", "sales", "procurement")
}
NEVER = 1 << 60

TEXTS = ("P1", "CASTRO", "Ponta Grossa", "~!#$%&'()*+,-./:;<=>?@[]^_`{|}", "x" * 64, "C17")
UNUSUAL_TEXTS = (
    "x" * 65, "x" * 200, "x" * 201, "São Paulo", "Sa\u0303o", " P1", "P1  ", "\u00a0P1\ufeff", "", "  ", 'a"b', "a\\b", "a\nb", "\x7f", "\x85", "é" * 64, "\U0001f600",
    7, -7, 10**20, 1.5, 7.0, True, None, {"a": 1}, ["a", "b"], "nk:01714568400:" + "0" * 32, "nk:", "null", "\ud800",
)  # fmt: skip
NUMBERS = ("10", "2.50", "0", "123456789012.123456", 5, 97, 1.25)
UNUSUAL_NUMBERS = (
    -1.5, "-1.5", "-0", "-0.0", "007", "+1", "1.", ".5", "1e3", "1E-6", "1234567890123", "0.0000001", "1.0000000", " 1", "1,5", "", "x", 1e22, 10**12,
    True, None, [1], float("nan"), float("inf"), "9" * 50,
)  # fmt: skip
TIMES = (
    "2024-05-01T10:00:00", "2024-05-01 10:00:00.123", "2019-12-31T23:59:59.999999", "2018-02-17T23:30:00", "2018-11-04T00:30:00",
    "2018-11-03T23:59:59", "2018-11-04T01:00:00", "2018-02-18T00:00:00", "2024-02-28T00:00:00",
    "1991-01-01T00:00:00", "2024-05-01T13:00:00Z", "2024-05-01T10:00:00.123456-03:00", "2024-05-01T10:00:00+17:59", 1714568400123,
    "1714568400123", 631152000000,
)  # fmt: skip
UNUSUAL_TIMES = (
    "2040-01-01T00:00:00",    "2024-02-29T10:00:00", "2023-02-29T10:00:00", "2024-04-31T10:00:00", "2024-13-01T10:00:00", "2024-05-01T24:00:00", "2024-05-01T10:00",
    "2024-05-01", "2024-05-01t10:00:00z", "2024-05-01T10:00:00.1", "2024-05-01T10:00:00,123", "2024-05-01T10:00:00.123456789Z",
    "2024-05-01T10:00:00 -03", "2024-05-01T10:00:00+18:00", "2024-05-01T10:00:00+18:01", "2024-05-01T10:00:00+19:00", "2024-05-01T10:00:00-0300",
    "1989-12-31T23:59:59.999999", "1990-01-01T00:00:00", "1990-12-31T23:59:59", "2026-02-01T09:00:00", "2026-02-01T09:00:00.000001",
    "2026-02-01T12:00:00Z", "2026-02-01T12:00:00.001Z", "0000-01-01T00:00:00", "9999-12-31T23:59:59", 631151999999, 10**17, 0, -1, 1.5, "1.5e12",
    "", " 2024-05-01T10:00:00", "x", True, None, {"a": 1},
)  # fmt: skip
DATES = ("2026-03-01", "2026-03-02 00:00:00", "", None)
UNUSUAL_DATES = ("2026-03-01", "2024-05-01T23:30:00-03:00", "9999-12-31", "0001-01-01T00:00:00", "", "19990101", 20000, 1714568400123, "x", None, "2099-01-01")
POOLS = {
    FieldType.TEXT: (TEXTS, UNUSUAL_TEXTS),
    FieldType.DECIMAL: (NUMBERS, UNUSUAL_NUMBERS),
    FieldType.TIMESTAMP: (TIMES, UNUSUAL_TIMES),
    FieldType.DATE: (DATES, UNUSUAL_DATES),
}
UNKNOWN: dict[str, Any] = {"lote": "L1", "versao": 2, "peso": 1.5, "ok": True, "nada": None, "table": "x", "lote é": "é", "a\tb": "x", "mais": {"a": 1}, "nota": "é\\u0022\\"}
JUNK = (
    None, b"", b"{", b"null", b"[1]", native({}), native(event(), table="sales_orders"), native(event(), table='"public"."Purchases"'),
    debezium(event(id_evento=...)), native(event()).replace(b"P1", b"\xff"), native(event()).replace(b"P1", b"\xed\xa0\x80"),
    native(event()).replace(b'"D1"', b'"D1", "deposito": "D2"'), b" " + native(event()), native(event()) + b" ", native(event()) + b"}",
    native(event()).replace(b"P1", b"a\tb"), native(event(), table="inventory\u0301"), b"\xef\xbb\xbf" + native(event()),
    *(value for values in REJECTS.values() for value in values if len(value) < 5_000),
)  # fmt: skip


def records(values: list[bytes | None]) -> pa.RecordBatch:
    n = len(values)
    columns = [
        pa.array([row % 3 for row in range(n)], pa.int32()), pa.array(range(n), pa.int64()),
        pa.array([NOW] * n, pa.timestamp("us", tz="UTC")), pa.array([b'{"id":1}'] * n, pa.binary()), pa.array(values, pa.binary()),
    ]  # fmt: skip
    return pa.RecordBatch.from_arrays(columns, names=list(SOURCE_COLUMNS))


def parsed(values: list[bytes | None], rules: ParseRules, fewest: int) -> pa.RecordBatch:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(usual, "FEWEST", fewest)
        return parse_batch(records(values), rules)


def read_at_once(values: list[bytes | None], rules: ParseRules, fewest: int = 1) -> int:
    """How many records are not left to be read one by one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(usual, "FEWEST", fewest)
        return sum(len(events.rows) for events in usual.read_usual(pa.array(values, pa.binary()), rules))


def assert_same(values: list[bytes | None], rules: ParseRules) -> None:
    one_by_one = parsed(values, rules, NEVER)
    for fewest in (1, 2):
        at_once = parsed(values, rules, fewest)
        assert at_once.to_pylist() == one_by_one.to_pylist()
        assert at_once.equals(one_by_one, check_metadata=True)


@st.composite
def producers(draw: st.DrawFn, rules: ParseRules) -> st.SearchStrategy[bytes]:
    """Records of one producer: the same members in the same order, with values that are usual, or not."""
    fields = {field.name: field for field, _ in rules.readers}
    left_out = [name for name, field in fields.items() if not field.required]
    names = draw(st.permutations(list(fields)))
    for name in draw(st.sets(st.sampled_from(left_out))):
        names.remove(name)
    others = draw(st.dictionaries(st.sampled_from(list(UNKNOWN)), st.none(), max_size=2))
    separators = draw(st.sampled_from([(", ", ": "), (",", ":"), (" ,\n", ":\t")]))
    ascii_only, data_first = draw(st.booleans()), draw(st.booleans())
    table = draw(st.sampled_from([rules.stream.envelope_tables[0]] * 5 + [f"erp.{rules.stream.envelope_tables[0].upper()}", "outra"]))
    seldom = draw(st.sampled_from([0, 0, 1, 5]))

    def value(name: str) -> st.SearchStrategy[Any]:
        often, unusual = POOLS[fields[name].type]
        return st.integers(0, 100).flatmap(lambda n: st.sampled_from(unusual if n < seldom else often))

    def record(values: dict[str, Any]) -> bytes:
        data = values | {name: UNKNOWN[name] for name in others}
        document = {"data": data, "table": table} if data_first else {"table": table, "data": data}
        text = json.dumps(document, ensure_ascii=ascii_only, separators=separators)
        return text.encode(errors="surrogatepass")

    return st.fixed_dictionaries({name: value(name) for name in names}).map(record)


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[bytes | None], ParseRules]:
    rules = RULES[draw(st.sampled_from(list(RULES)))]
    rules = replace(
        rules,
        stream=replace(rules.stream, identity=draw(st.sampled_from([IdentityRule.AUTO] * 5 + list(IdentityRule)))),
        warehouse=draw(st.sampled_from([frozenset[IdentityKind]()] * 5 + [frozenset({kind}) for kind in IdentityKind])),
        timezone=draw(st.sampled_from(["America/Sao_Paulo", "Europe/Lisbon", "Africa/Monrovia", "UTC"])),
        max_bytes=draw(st.sampled_from([1 << 20, 1 << 20, 1 << 20, 300])),
        **draw(st.sampled_from([{}, {}, {"source_label": "erp", "generation": WAREHOUSE_GENERATION}])),
    )
    several = draw(st.lists(producers(rules), min_size=1, max_size=3))
    records = st.one_of(*several * 6, st.sampled_from(JUNK))
    return draw(st.lists(records, min_size=draw(st.integers(0, 25)), max_size=30)), rules


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(batches())
def test_the_same_as_one_by_one(batch: tuple[list[bytes | None], ParseRules]) -> None:
    assert_same(*batch)


@pytest.mark.parametrize("field", [field for field, _ in RULES["inventory"].readers], ids=lambda field: field.name)
def test_every_value_of_every_field(field: Any) -> None:
    values = [value for pool in POOLS[field.type] for value in pool]
    plain = [json.dumps({"table": "inventory_transactions", "data": event(**{"cliente": "C", "fornecedor": "F", field.name: v})}) for v in values]
    assert_same([text.encode() for text in plain], RULES["inventory"])


def test_a_real_month() -> None:
    values = [native(data) for data in retail_events(shift_to_today=False, path=SAMPLE)]
    assert_same(values, RULES["inventory"])
    assert read_at_once(values, RULES["inventory"], fewest=20) == len(values)


@pytest.mark.parametrize("changes", [
    {}, {"cliente": None}, {"lote": "L1", "ok": True}, {"id_evento": ...}, {"id_evento": 12}, {"quantidade": -1.5}, {"deposito": "São Paulo"}, {"deposito": "a\\b"},
    {"deposito": " D1 "}, {"data_movimentacao": "2024-05-01T10:00:00.123456789Z"}, {"data_movimentacao": 1714568400123},
])  # fmt: skip
def test_usual_records_are_read_at_once(changes: Any) -> None:
    sent = json.dumps({"table": "inventory_transactions", "data": event(**changes)}, ensure_ascii=False).encode()
    indented = json.dumps(json.loads(sent), indent="\t").encode()
    assert read_at_once([sent, indented] * 5, RULES["inventory"]) == 10


@pytest.mark.parametrize("unusual", [
    {"quantidade": "x"}, {"id_evento": "E1 "}, {"id_evento": "nk:1"}, {"quantidade": None}, {"quantidade": ...}, {"codigo_produto": 1.5}, {"a": []},
    {"deposito": 'a"b'}, {"deposito": "a\nb"}, {"data_movimentacao": "2999-01-01T00:00:00"},
])  # fmt: skip
def test_what_may_be_refused_is_read_one_by_one(unusual: Any) -> None:
    sent = [native(event(**unusual)), native(event(), table="x"), debezium(event()), None]
    assert read_at_once(sent * 10, RULES["inventory"]) == 0


def test_the_size_limit_is_that_of_each_record() -> None:
    sent = [native(event(cliente="C" * length)) for length in range(1, 30)]
    assert_same(sent, replace(RULES["inventory"], max_bytes=len(sent[15])))


@pytest.mark.parametrize("text", [b"a\tb", b"\x00", b"\x7f", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\\", b"\\n", b"\\u00e9", "é\U0001f600".encode()])
def test_texts_that_are_no_json_even_where_nobody_reads_them(text: bytes) -> None:
    sound = native(event(lote="L1"))
    assert_same([sound, sound.replace(b"L1", text), *JUNK, sound], RULES["inventory"])


def test_shapes_that_differ_in_little() -> None:
    """The name of a field in a text, a field in another order, one twice, one more."""
    sound = native(event())
    others = [
        native(event(deposito='", "quantidade": "9')), native(event(deposito="quantidade")), native(dict(reversed(event().items()))),
        sound.replace(b'"deposito"', b'"quantidade": "9", "deposito"'), native(event(lote="")), sound.replace(b": ", b":"),
        sound.replace(b"inventory_transactions", b"sales_orders"), sound[:-1] + b', "op": "c"}', sound[:-1] + b', "x": 1}',
    ]  # fmt: skip
    assert_same([sound, *others, sound], RULES["inventory"])
