"""as_of and running_features against literal rows and, for random ones, against loops in plain Python."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta, timezone
from decimal import Context, Decimal, localcontext
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from castro_spark.errors import UsageError
from castro_spark.features import as_of, running_features
from castro_spark.streams import stream
from tests.unit.parse.positions import kafka

FEW = settings(
    max_examples=3, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
INSTANT = pa.timestamp("us", tz="UTC")
PRICE, VALUE = pa.decimal128(18, 6), pa.decimal128(38, 12)
LABELS = pa.schema([("label", pa.float64()), ("label_time", INSTANT), ("product_code", pa.string()), ("size", pa.int32())])
FEATURES = pa.schema([("known_at", INSTANT), ("stock", PRICE), ("product_code", pa.string()), ("position", pa.int64())])
INVENTORY = stream("inventory")
TICK = timedelta(microseconds=1)
EXACT = Context(prec=60)  # Python's own 28 digits would round


def at(hour: int, day: int = 1) -> datetime:
    return datetime(2024, 5, day, hour, tzinfo=timezone.utc)


def frame(spark: SparkSession, schema: pa.Schema, rows: list[tuple[Any, ...]]) -> DataFrame:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return spark.createDataFrame(pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema))


def rows(frame: DataFrame) -> list[tuple[Any, ...]]:
    return [tuple(r.values()) for r in frame.toArrow().to_pylist()]


def test_literal_rows(spark: SparkSession) -> None:
    features = frame(spark, FEATURES, [
        (at(10), Decimal("1.5"), "A", 1),
        (at(12), Decimal(7), "A", 2),
        (at(12), Decimal(3), "A", 9),
        (at(12), Decimal(99), "A", None),
        (at(14), None, "A", 11),
        (at(11), Decimal(5), "B", 3),
        (None, Decimal(6), "B", 4),
        (at(9), Decimal(8), None, 5),
    ])  # fmt: skip
    labels = frame(spark, LABELS, [
        (0.1, at(10) - TICK, "A", 1),
        (0.2, at(10), "A", 2),
        (0.3, at(12) - TICK, "A", 3),
        (0.4, at(12), "A", 4),
        (0.4, at(12), "A", 4),
        (0.5, at(15), "A", 5),
        (0.6, None, "B", 6),
        (0.7, at(20), None, 7),
        (0.8, at(20), "C", 8),
        (None, at(20), "B", None),
    ])  # fmt: skip
    joined = as_of(labels, features, columns=["stock", "known_at"], ties=["position"], prefix="f_")
    assert [(f.name, f.dataType.simpleString()) for f in joined.schema] == [
        ("label", "double"), ("label_time", "timestamp"), ("product_code", "string"), ("size", "int"),
        ("f_stock", "decimal(18,6)"), ("f_known_at", "timestamp"),
    ]  # fmt: skip
    assert Counter(rows(joined)) == Counter([
        (0.1, at(10) - TICK, "A", 1, None, None),
        (0.2, at(10), "A", 2, Decimal("1.5"), at(10)),
        (0.3, at(12) - TICK, "A", 3, Decimal("1.5"), at(10)),
        (0.4, at(12), "A", 4, Decimal(3), at(12)),
        (0.4, at(12), "A", 4, Decimal(3), at(12)),
        (0.5, at(15), "A", 5, None, at(14)),
        (0.6, None, "B", 6, None, None),
        (0.7, at(20), None, 7, None, None),
        (0.8, at(20), "C", 8, None, None),
        (None, at(20), "B", None, Decimal(5), at(11)),
    ])  # fmt: skip


def test_age_is_elapsed_time_whatever_the_sessions_clocks_do(spark: SparkSession) -> None:
    other = spark.newSession()
    other.conf.set("spark.sql.session.timeZone", "America/New_York")  # 2024-03-10 had 23 hours, 2024-11-03 had 25
    spring, autumn = (datetime(2024, *day, 12, tzinfo=timezone.utc) for day in ((3, 9), (11, 2)))
    day = timedelta(days=1)
    features = frame(other, FEATURES, [(spring, Decimal(1), "A", 1), (autumn, Decimal(2), "A", 2)])
    times = [spring + day, spring + day + TICK, autumn + day, autumn + day + TICK]
    labels = frame(other, LABELS, [(None, t, "A", i) for i, t in enumerate(times)])
    found = as_of(labels, features, columns=["stock"], max_age=day)
    assert sorted((r[3], r[4]) for r in rows(found)) == [(0, Decimal(1)), (1, None), (2, Decimal(2)), (3, None)]


def test_a_label_can_come_from_the_features_themselves(spark: SparkSession) -> None:
    features = frame(spark, FEATURES, [(at(1), Decimal(1), "A", 1), (at(2), Decimal(2), "A", 2)])
    labels = features.select(F.col("known_at").alias("a.time"), "product_code")
    found = as_of(labels, features, label_time="a.time")
    assert found.columns == ["a.time", "product_code", "known_at", "stock", "position"]
    assert sorted(rows(found)) == [(at(1), "A", at(1), Decimal(1), 1), (at(2), "A", at(2), Decimal(2), 2)]


def moments(generator: random.Random, hours: int) -> datetime | None:
    return None if generator.random() < 0.05 else at(0) + timedelta(hours=generator.randrange(hours))


def product(generator: random.Random) -> str | None:
    return generator.choice(["A", "B", "C", "D", "E", None])


def random_features(generator: random.Random) -> list[tuple[Any, ...]]:
    return [
        (moments(generator, 60), generator.choice([None, Decimal(generator.randrange(-9, 9))]), product(generator),
         generator.choice([None, 1, 2, 3]))
        for _ in range(250)
    ]  # fmt: skip


def random_labels(generator: random.Random) -> list[tuple[Any, ...]]:
    sent = [(generator.random(), moments(generator, 70), product(generator), i) for i in range(120)]
    return sent + generator.choices(sent, k=30)


def looked_up(label: tuple[Any, ...], features: list[tuple[Any, ...]], max_age: timedelta | None) -> tuple[Any, ...]:
    """known_at, stock and position for one label, found by looking at every feature there is."""
    _, time, code, _ = label
    best: tuple[Any, ...] | None = None
    for known_at, stock, owner, position in features:
        if None in (time, code, known_at, owner) or owner != code or known_at > time:
            continue
        # Null is smallest: (False, ...) < (True, ...).
        rank = (known_at, position is not None, position or 0, stock is not None, stock or 0)
        if best is None or rank > best[0]:
            best = (rank, (known_at, stock, position))
    if best is None or (max_age is not None and time - best[1][0] > max_age):
        return (None, None, None)
    return best[1]


@FEW
@given(seed=st.integers(0, 10**6), max_age=st.sampled_from([timedelta(0), timedelta(hours=2)]))
def test_is_what_a_loop_over_everything_finds(spark: SparkSession, seed: int, max_age: timedelta) -> None:
    generator = random.Random(seed)
    labels, features = random_labels(generator), random_features(generator)
    for age in (None, max_age):
        found = as_of(frame(spark, LABELS, labels), frame(spark, FEATURES, features), ties=["position"], max_age=age)
        assert Counter(rows(found)) == Counter((*each, *looked_up(each, features, age)) for each in labels)


@FEW
@given(seed=st.integers(0, 10**6))
def test_neither_order_nor_the_future_changes_anything(spark: SparkSession, seed: int) -> None:
    generator = random.Random(seed)
    labels, features = random_labels(generator), random_features(generator)
    last = max(t for _, t, _, _ in labels if t is not None)
    future = [(last + TICK, Decimal(1000 + i), code, i) for i, code in enumerate("ABCDE")]
    mixed = generator.sample(features + future, len(features) + len(future))
    # No ties given: the rows of one moment are told apart by their values alone.
    once = as_of(frame(spark, LABELS, labels), frame(spark, FEATURES, features))
    again = as_of(frame(spark, LABELS, generator.sample(labels, len(labels))), frame(spark, FEATURES, mixed).repartition(5))
    assert Counter(rows(once)) == Counter(rows(again))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"columns": ["stock", "size"]}, "'size' would be in the result twice.*prefix"),
        ({"prefix": "LA", "columns": ["bel"]}, "'LAbel' would be in the result twice"),
        ({"columns": ["stock", "stock"]}, "'stock' would be in the result twice"),
        ({"columns": ["nowhere"]}, "features have no column 'nowhere'.*they have: known_at"),
        ({"ties": ["offset"]}, "features have no column 'offset'"),
        ({"label_time": "when"}, "labels have no column 'when'"),
        ({"columns": []}, "no columns of features are selected"),
        ({"columns": ["stock"], "max_age": -TICK}, "max_age is negative"),
        ({"columns": ["stock"], "feature_time": "day"}, "'day' of features is date, not timestamp"),
        ({"columns": ["stock"], "label_time": "size"}, "'size' of labels is int, not timestamp"),
        ({"columns": ["stock", "by_place"]}, "'by_place' of features is array<map<string,int>>, which has no order"),
        ({"columns": ["stock"], "key": "size"}, "'size' is int in labels, bigint in features"),
    ],
)
def test_what_cannot_be_used_is_named(spark: SparkSession, changes: dict[str, Any], words: str) -> None:
    features = frame(spark, FEATURES, []).selectExpr(
        "*", "1L as size", "2 as bel", "date'2024-05-01' as day", "array(map('D1', 1)) as by_place"
    )
    with pytest.raises(UsageError, match=f"(?s){words}"):
        as_of(frame(spark, LABELS, []), features, **changes)


EVENTS = pa.schema([
    ("event_id", pa.string()), ("product_code", pa.string()), ("timestamp", INSTANT), ("quantity", PRICE), ("unit_cost", PRICE),
    ("value_total", VALUE), ("source_position", pa.binary()),
])  # fmt: skip


def happened(place: int, event_id: str, code: str, when: datetime, quantity: str, cost: str) -> tuple[Any, ...]:
    return (event_id, code, when, Decimal(quantity), Decimal(cost), EXACT.multiply(Decimal(quantity), Decimal(cost)), kafka(0, 0, place))


def test_running_literal_rows(spark: SparkSession) -> None:
    events = [
        happened(1, "E1", "A", at(10), "5", "2"),
        happened(2, "E2", "A", at(12), "-1.000001", "2.000001"),
        happened(3, "E3", "A", at(12), "4", "3"),
        happened(4, "E4", "B", at(11), "1", "1"),
        happened(5, "E1", "A", at(11), "6", "2.5"),  # a correction: moved and changed
    ]
    found = running_features(frame(spark, EVENTS, events), INVENTORY)
    assert [(f.name, f.dataType.simpleString()) for f in found.schema] == [
        ("product_code", "string"), ("known_at", "timestamp"), ("transactions_so_far", "bigint"),
        ("volume_so_far", "decimal(38,6)"), ("value_so_far", "decimal(38,12)"), ("last_unit_cost", "decimal(18,6)"),
    ]  # fmt: skip
    assert sorted(rows(found)) == [
        ("A", at(11), 1, Decimal(6), Decimal(15), Decimal("2.5")),
        ("A", at(12), 3, Decimal("8.999999"), Decimal("24.999996999999"), Decimal(3)),
        ("B", at(11), 1, Decimal(1), Decimal(1), Decimal(1)),
    ]


@FEW
@given(seed=st.integers(0, 10**6))
def test_running_is_what_a_loop_over_everything_finds(spark: SparkSession, seed: int) -> None:
    generator = random.Random(seed)
    sent = [
        happened(
            place, f"E{generator.randrange(220)}", generator.choice("ABC"), at(0) + timedelta(hours=generator.randrange(40)),
            f"{generator.randrange(-10**18 + 1, 10**18)}e-6", f"{generator.randrange(10**18)}e-6",
        )
        for place in range(300)
    ]  # fmt: skip
    newest = {e[0]: e for e in sent}.values()
    expected = set()
    for _, code, now, *_ in newest:
        past = [e for e in newest if e[1] == code and e[2] <= now]
        last = max(past, key=lambda e: (e[2], e[6]))
        with localcontext(EXACT):
            expected.add((code, now, len(past), sum(e[3] for e in past), sum(e[3] * e[4] for e in past), last[4]))
    found = running_features(frame(spark, EVENTS, generator.sample(sent, len(sent))), INVENTORY)
    assert sorted(rows(found)) == sorted(expected)
