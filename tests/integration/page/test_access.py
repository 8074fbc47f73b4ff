"""The page over HTTP: who gets in, what is refused, which rights it has, and what it says when servers are away."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors

from castro_spark.local import Stack
from castro_spark.page.web.security import POLICY
from tests.browser import seed
from tests.servers.page import COMMANDER, READER, House
from tests.statements import composed

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def house(databases: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(databases, tmp_path_factory.mktemp("page"), next(_numbers))
    seed.fill(house.settings, house.today)
    house.start()
    yield house
    assert house.stop() == 0, house.log()


@pytest.fixture
def another(databases: Stack, tmp_path: Path) -> Iterator[Callable[..., House]]:
    with ExitStack() as ended:

        def made(env: dict[str, str] | None = None, **conf: Any) -> House:
            house = House(databases, tmp_path, next(_numbers), conf)
            house.env |= env or {}
            house.start()
            ended.callback(house.stop)
            return house

        yield made


def test_every_answer_has_the_policy(house: House) -> None:
    for path in ("/", "/static/page.css", "/nowhere", "/alive"):
        answer = house.get(path)
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
    page = house.get("/").text
    assert " style=" not in page
    assert "<script>" not in page
    assert "onclick" not in page


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Origin": "HERE"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "same-origin"}, 303),
        ({"Origin": "HERE"}, 303),
    ],
)
def test_changes_come_from_the_page_itself(house: House, headers: dict[str, str], status: int) -> None:
    headers = {name: value.replace("HERE", house.url) for name, value in headers.items()}
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    answer = house.get("/preferences", "POST", "theme=dark&back=//elsewhere.example/", **headers, **form)
    assert answer.status == status
    if status == 303:
        assert answer.headers["location"] == "/"
        assert "samesite=lax" in answer.headers["set-cookie"].lower()


def test_an_unknown_host_is_refused(house: House) -> None:
    assert house.get("/", Host="elsewhere.example").status == 403
    assert house.get("/", Host="localhost:1").status == 200


def refused(session: Any, *statements: str) -> None:
    """Each of them is refused for want of a right."""
    for statement in statements:
        with pytest.raises(errors.InsufficientPrivilege):
            session.cursor().execute(statement)
        session.rollback()


def test_the_reading_role_cannot_write(house: House) -> None:
    session = house.role(READER)
    with pytest.raises(errors.ReadOnlySqlTransaction):
        session.cursor().execute("DELETE FROM castro.stream")
    session.rollback()
    session.set_session(readonly=False)
    refused(
        session,
        "DELETE FROM castro.stream",
        "INSERT INTO castro.command DEFAULT VALUES",
        "CREATE TABLE public.x ()",
    )
    session.close()


def test_the_commanding_role_inserts_commands_and_nothing_else(house: House) -> None:
    session = house.role(COMMANDER)
    insert = (
        "INSERT INTO castro.command (action, arguments, requested_by, expires_at)"
        " VALUES ('replay', '{}', 'a test', now() + interval '1 s')"
    )
    session.cursor().execute(insert)
    session.rollback()
    refused(
        session,
        "SELECT * FROM castro.command",
        "UPDATE castro.command SET state = 'done'",
        "DELETE FROM castro.command",
        "INSERT INTO castro.command (action, requested_by, expires_at, state) VALUES ('replay', 'x', now(), 'done')",
        "SELECT * FROM castro.stream",
        "SELECT * FROM ml_product_360",
    )
    session.close()


def test_figures_are_of_one_snapshot_and_the_page_is_small(house: House) -> None:
    english = house.get("/", Accept_Language="en")
    assert english.status == 200
    assert "Stock movements" in english.text
    portuguese = house.get("/", Accept_Language="pt-BR")
    assert "Movimentações" in portuguese.text
    assert 'lang="pt-BR"' in portuguese.text
    fragment = house.get("/", Accept_Language="en", HX_Request="true").text
    assert fragment.startswith("<main")
    assert "<html" not in fragment


def test_a_password(another: Callable[..., House]) -> None:
    house = another({"CASTRO_PAGE_PASSWORD": "käse"}, address="127.0.0.1")
    assert house.get("/").status == 401
    assert house.get("/static/page.css").status == 401
    assert house.get("/alive").text == "alive\n"

    def login(words: str) -> int:
        encoded = base64.b64encode(words.encode()).decode()
        return house.get("/", Authorization=f"Basic {encoded}").status

    assert [login("anna:käse"), login(":käse"), login("anna:kase"), login("käse")] == [200, 200, 401, 401]
    assert login("an\0na\n:käse") == 200
    assert house.log().count("a wrong password from 127.0.0.1") == 2
    assert house.get("/", Authorization="Bearer käse".encode().decode("latin-1")).status == 401


def test_a_proxy_is_believed_from_its_address_only(another: Callable[..., House]) -> None:
    there = another(proxy_user_header="X-Forwarded-User", proxy_addresses=["127.0.0.0/8"])
    assert there.get("/").status == 403
    assert there.get("/", X_Forwarded_User="anna").status == 200
    elsewhere = another(proxy_user_header="X-Forwarded-User", proxy_addresses=["10.9.8.7"])
    assert elsewhere.get("/", X_Forwarded_User="anna").status == 403


def test_postgresql_is_away_when_the_page_starts(another: Callable[..., House]) -> None:
    house = another({"CASTRO_PAGE_POSTGRES_DSN": "host=127.0.0.1 port=1 dbname=x user=y"})
    answer = house.get("/", Accept_Language="en")
    assert answer.status == 503
    assert "PostgreSQL does not answer" in answer.text
    assert "castro_up 0.0" in house.get("/metrics").text
    assert house.get("/nowhere", Accept_Language="en").status == 404
    assert house.get("/live", "HEAD").headers["content-type"].startswith("text/event-stream")


def test_a_database_that_is_not_migrated(another: Callable[..., House]) -> None:
    house = another()
    house.query("DROP TABLE castro.incident CASCADE")
    answer = house.get("/", Accept_Language="en")
    assert answer.status == 503
    assert "The tables are missing or of another version" in answer.text
    assert "./spark-submit.sh migrate" in answer.text


def test_a_right_that_lacks(another: Callable[..., House]) -> None:
    house = another()
    house.query(composed("REVOKE SELECT ON castro.incident FROM {role}", role=READER))
    answer = house.get("/", Accept_Language="en")
    assert answer.status == 503
    assert "docs/page.md" in answer.text


def test_a_locked_table_does_not_hold_the_page_up(another: Callable[..., House]) -> None:
    house = another(statement_timeout_seconds=0.5)
    with psycopg2.connect(house.env["CASTRO_POSTGRES_DSN"], password=house.password) as holder:
        holder.cursor().execute("LOCK TABLE castro.incident")
        answer = house.get("/", Accept_Language="en")
        assert answer.status == 503
        assert "PostgreSQL took too long to answer" in answer.text
        holder.rollback()
    assert house.get("/").status == 200
