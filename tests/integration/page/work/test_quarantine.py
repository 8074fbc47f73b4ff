"""Rejected records over HTTP: shown whatever their bytes, in whatever number; a mended value is tried and replayed."""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any
from urllib.parse import quote

from castro_spark.sinks.postgres.connection import connect
from tests.builders import event, native
from tests.integration.page.work.operator import read, reject, send, serve
from tests.servers.page import House

QUARANTINED = 100_000


def test_a_hundred_thousand_in_quarantine(clean: House) -> None:
    clean.query(
        "INSERT INTO castro.quarantine (stream, topic, generation, partition, \"offset\", value, reason, detail)"
        " SELECT CASE WHEN n %% 3 = 0 THEN 'sales' ELSE 'inventory' END, 't', 0, 0, n, convert_to('{\"n\": ' || n || '}', 'UTF8'),"
        " CASE WHEN n %% 1000 = 0 THEN 'not_json' ELSE 'bad_number' END, '<b>quantidade</b>' FROM generate_series(1, %s) n",
        (QUARANTINED,),
    )
    page = read(clean, "/quarantine")
    assert "100,000" in page and "All 100,000 records of this choice" in page
    assert "&lt;b&gt;quantidade" in page and "<b>quantidade" not in page
    seen, path = [], "/quarantine?reason=not_json&stream=inventory"
    while path:
        page = read(clean, path)
        seen += map(int, re.findall(r'<a href="/quarantine/(\d+)">', page))
        path = next(iter(re.findall(r'href="(/quarantine\?[^"]*before=[^"]*)"', page)), "").replace("&amp;", "&")
    assert seen == sorted((n for n in range(1000, QUARANTINED + 1, 1000) if n % 3), reverse=True)
    # However far into the list: the plan reads the rows it shows, and not the table.
    plan = explained(clean, "page/quarantine.sql", {"status": "open", "before": 50_000, "limit": 51, "streams": ["sales"], "reasons": ["bad_number"]})
    assert "Seq Scan" not in plan, plan


def explained(house: House, path: str, parameters: dict[str, Any]) -> str:
    from castro_spark.sinks.postgres.sql_files import statement

    with closing(connect(house.settings.postgres, "test")) as connection, connection.cursor() as cursor:
        cursor.execute("ANALYZE castro.quarantine")
        cursor.execute("EXPLAIN " + statement(path).as_string(cursor), parameters)
        return "\n".join(line for (line,) in cursor.fetchall())


def test_a_records_bytes_are_shown_and_harm_nobody(clean: House) -> None:
    hostile = b'{"a": "<script>alert(1)</script>\xe2\x80\xae", "n": 1.50'
    (number,) = reject(clean, hostile)
    page = read(clean, f"/quarantine/{number}")
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page
    assert "U+202E" in page
    raw = clean.get(f"/quarantine/{number}/value")
    assert raw.text.encode() == hostile
    assert raw.headers["content-type"] == "application/octet-stream"
    assert raw.headers["content-disposition"].startswith("attachment")


def test_a_record_of_a_megabyte_is_a_page_that_a_browser_can_show(clean: House) -> None:
    """Each of these bytes is hidden and gets an element of its own; a form with all of them would hold a browser up."""
    (number,) = reject(clean, bytes(range(1, 32)) * 33_000)
    answer = clean.get(f"/quarantine/{number}", Accept_Language="en")
    assert len(answer.text) < 1_500_000
    assert "Only the beginning is shown." in answer.text
    assert "<textarea" not in answer.text
    assert "--value-file" in answer.text
    assert "Replay as it is" in answer.text


def try_value(house: House, number: int, value: bytes) -> str:
    body = f"value={quote(value)}"
    answer = house.get(
        f"/quarantine/{number}/try", "POST", body, Origin=house.url, Accept_Language="en",
        Content_Type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert answer.status == 200, answer.text
    return answer.text


def test_a_mended_value_is_tried_and_then_replayed(clean: House) -> None:
    bad, _ = reject(clean, b"{", b"[")
    before = clean.query("SELECT * FROM castro.quarantine ORDER BY id")
    assert "Still unusable" in try_value(clean, bad, native(event(quantidade="NaN")))
    page = try_value(clean, bad, native(event(id_evento="E7", lote="x")))
    assert "Usable: a new event" in page and "<code>value_total</code>" in page and "25.0" in page and "lote" in page
    assert "&#34;E7&#34;" in page  # what was written stays in the form
    assert clean.query("SELECT * FROM castro.quarantine ORDER BY id") == before
    assert clean.query("SELECT count(*) FROM ml_inventory_realtime") == [(0,)]

    answer = send(clean, "replay", f"/quarantine/{bad}", id=bad, value=native(event(id_evento="E7")).decode())
    assert answer.status == 303
    where = answer.headers["location"]
    assert where.startswith(f"/quarantine/{bad}?request=")
    assert "waits for a process to take it" in read(clean, where) and "commands run" in read(clean, where)
    serve(clean)
    page = read(clean, where)
    assert "1 replayed, 0 still unusable and open" in page and "<span>replayed</span>" in page
    assert clean.query("SELECT event_id FROM ml_inventory_realtime") == [("E7",)]
    # Against what is stored now: the same place in the source, so nothing newer.
    assert "Usable: it corrects the stored event" in try_value(clean, bad, native(event(id_evento="E7", quantidade="11")))
    clean.query("UPDATE ml_inventory_realtime SET source_position = '\\xff'")
    assert "a newer event of this id is stored" in try_value(clean, bad, native(event(id_evento="E7")))


def test_a_try_needs_a_value_and_the_page_itself(clean: House) -> None:
    (number,) = reject(clean, b"{")
    path, form = f"/quarantine/{number}/try", {"Content_Type": "application/x-www-form-urlencoded"}
    assert clean.get(path, "POST", "value=x", Origin="https://elsewhere.example", **form).status == 403
    assert clean.get(path, "POST", "x=1", Origin=clean.url, **form).status == 400
    assert clean.get(path, "POST", "value=" + "x" * (7 << 20), Origin=clean.url, **form).status == 413
