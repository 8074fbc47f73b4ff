"""Rows that are not as usual: each check finds the fault that is planted."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from tests.databases.checked import A_DAY, Checked
from tests.integration.quality.faults.finding import FAIL, NO_DATA, PASS, WARN, found


def test_a_vanished_column_and_one_that_nobody_declared(data: Checked) -> None:
    data.system.query("ALTER TABLE ml_inventory_realtime RENAME customer TO client")
    try:
        seen = data.check("schema")
    finally:
        data.system.query("ALTER TABLE ml_inventory_realtime RENAME client TO customer")
    found(seen, FAIL, "ml_inventory_realtime lacks column customer")
    assert seen.evidence["extra"] == ["ml_inventory_realtime.client"]
    data.system.query("ALTER TABLE ml_product_master RENAME category TO kind")
    try:
        found(data.check("schema", subject="ml_product_master"), FAIL, "ml_product_master lacks column category")
    finally:
        data.system.query("ALTER TABLE ml_product_master RENAME kind TO category")


def test_an_optional_field_that_vanishes(data: Checked) -> None:
    data.take(data.events(data.today, 240, cliente=...))
    found(data.check("schema"), FAIL, "field cliente has vanished")
    found(data.check("null_rates"), FAIL, "customer of SAIDA is null in 100.00 %, usually in 0.00 %")


def test_a_required_field_that_is_renamed(data: Checked) -> None:
    data.take(data.events(data.today, 30, deposito=..., deposito_id="D1"))
    seen = data.check("schema")
    found(seen, FAIL, "field deposito is missing in 30 rejected records")
    assert seen.evidence["vanished"] == ["deposito"]
    assert seen.evidence["unknown"] == ["deposito_id"]


def test_nulls_that_grow(data: Checked) -> None:
    data.take(e | {"cliente": None} if n % 2 else e for n, e in enumerate(data.events(data.today, 480)))
    found(data.check("null_rates"), FAIL, "customer of SAIDA")
    data.system.configure({"quality": {"null_rates": {"of": {"inventory.customer": {"rise": 0.6}}}}})
    assert data.check("null_rates").outcome is PASS


def test_a_doubled_day(data: Checked) -> None:
    doubled = data.events(data.today, A_DAY)
    data.take(doubled)
    assert data.check("duplicates").outcome is PASS
    data.take({**e, "id_evento": f"again-{e['id_evento']}"} for e in doubled)
    twice = data.check("duplicates")
    found(twice, FAIL, "240 of 480 events repeat another one but for its id")
    assert len(twice.evidence["examples"]) == 5
    tomorrow = data.day(-1)
    found(data.check("volume", day=tomorrow), WARN, f"{data.today}: 480 events; usual for this weekday are 240")
    data.take(data.events(data.today, 500))
    found(data.check("volume", day=tomorrow), FAIL, "980 events")


def test_an_empty_day(data: Checked) -> None:
    found(data.check("volume", day=data.day(-1)), FAIL, f"{data.today}: 0 events")


def test_an_unusual_day_is_no_baseline(data: Checked) -> None:
    day = data.day(-1)
    data.take(data.events(data.today, 2000))
    assert data.check("volume", day=day).outcome is FAIL
    later = data.check("volume", day=day + timedelta(weeks=1))
    assert str(data.today) not in later.evidence["baseline"]
    assert str(data.day(7)) in later.evidence["baseline"]


def test_prices_times_ten_and_quantities_times_ten(data: Checked) -> None:
    data.take({**e, "custo_unitario": str(Decimal(e["custo_unitario"]) * 10)} for e in data.events(data.today, 120))
    found(data.check("drift"), FAIL, "120 of 120 events have a unit_cost beyond a factor of 5")


def test_quantities_times_ten(data: Checked) -> None:
    data.take({**e, "quantidade": str(int(e["quantidade"]) * 10)} for e in data.events(data.today, 120))
    found(data.check("drift"), FAIL, "usually 10.0")


def test_prices_and_quantities_of_nothing(data: Checked) -> None:
    data.take({**e, "custo_unitario": "0"} for e in data.events(data.today, 120))
    found(data.check("drift"), FAIL, "120 of 120 events have a unit_cost beyond a factor of 5 of their product's usual one (median ratio 0.0)")


def test_quantities_of_nothing(data: Checked) -> None:
    data.take({**e, "quantidade": "0"} for e in data.events(data.today, 120))
    found(data.check("drift"), FAIL, "the median quantity is 0.0, usually 10.0")


def test_products_without_master_data(data: Checked) -> None:
    assert data.check("references").outcome is NO_DATA
    data.system.query("INSERT INTO ml_product_master (product_code, description, last_modified) SELECT 'P' || n, 'x', now() FROM generate_series(0, 10) n")
    found(data.check("references"), WARN, "20 of 240 recent events are of 1 product not in ml_product_master")
    data.system.query("INSERT INTO ml_product_master (product_code, description, last_modified) VALUES ('P11', 'x', now())")
    assert data.check("references").outcome is PASS


def test_rejected_records(data: Checked) -> None:
    data.take(data.events(data.today, 4000))
    quiet = data.check("quarantine_share")
    assert quiet.outcome is PASS
    data.commit(data.send([b"{"] * 200))
    found(data.check("quarantine_share"), WARN, "200 of")
    data.commit(data.send([b"{"] * 3000))
    found(data.check("quarantine_share"), FAIL, "(not_json 3,200)")
