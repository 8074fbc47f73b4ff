"""Where the page may listen, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from castro_spark.errors import SettingsError, UsageError
from castro_spark.page.web.serve import elsewhere
from castro_spark.settings import Settings, load_settings


def settings(tmp_path: Path, environ: dict[str, str] | None = None, **page: Any) -> Settings:
    conf = tmp_path / "page.yaml"
    conf.write_text(yaml.safe_dump({"page": page}))
    return load_settings(conf_file=conf, environ=environ or {})


def test_by_default_it_is_for_this_machine(tmp_path: Path) -> None:
    page = settings(tmp_path).page
    assert (page.address, page.is_loopback, page.actions.enabled) == ("127.0.0.1", True, False)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.1.2.3", "castro.castrolanda.local"])
def test_another_address_needs_a_password_or_a_proxy(tmp_path: Path, address: str) -> None:
    with pytest.raises(SettingsError, match="CASTRO_PAGE_PASSWORD"):
        settings(tmp_path, address=address)
    assert not settings(tmp_path, {"CASTRO_PAGE_PASSWORD": "x"}, address=address).page.is_loopback
    assert settings(tmp_path, address=address, proxy_user_header="X-User", proxy_addresses=["10.0.0.0/8"])


def test_so_does_one_on_the_command_line(tmp_path: Path) -> None:
    loaded = settings(tmp_path)
    with pytest.raises(UsageError, match=r"^page: address: 0\.0\.0\.0 .* set CASTRO_PAGE_PASSWORD"):
        elsewhere(loaded, "0.0.0.0", None)
    assert elsewhere(loaded, "::1", 0).page.port == 0
    assert elsewhere(loaded, None, None) == loaded


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ({"proxy_user_header": "X-User"}, "proxy_addresses must name the proxy"),
        ({"proxy_user_header": "X-User", "proxy_addresses": ["proxy"]}, "proxy is no address"),
        ({"actions": {"enabled": True}}, "must name the role that may insert commands"),
        ({"postgres_dsn": "host=x password=y"}, "must hold no password"),
        ({"password": "x"}, "CASTRO_PAGE_PASSWORD"),
        ({"hosts": ["a b"]}, "page.hosts"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, page: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        settings(tmp_path, **page)


def test_a_refused_login_is_mended_where_its_role_is_named(tmp_path: Path) -> None:
    remedy = "check user in postgres.dsn, and CASTRO_POSTGRES_PASSWORD or ..._PASSWORD_FILE"
    assert settings(tmp_path).page.reader_remedy(remedy) == remedy  # the jobs' own role
    page = settings(tmp_path, postgres_dsn="host=x").page
    assert page.reader_remedy(remedy) == "check user in page.postgres_dsn, and CASTRO_PAGE_POSTGRES_PASSWORD or ..._PASSWORD_FILE"
    assert page.commander_remedy(remedy) == (
        "check user in page.actions.postgres_dsn, and CASTRO_PAGE_ACTIONS_POSTGRES_PASSWORD or ..._PASSWORD_FILE"
    )


def test_its_sessions_give_up_soon(tmp_path: Path) -> None:
    environ = {"CASTRO_PAGE_POSTGRES_PASSWORD": "x", "CASTRO_POSTGRES_PASSWORD": "jobs"}
    loaded = settings(tmp_path, environ, postgres_dsn="host=db user=castro_page", statement_timeout_seconds=3)
    reader = loaded.page.reader(loaded.postgres)
    assert (reader.dsn, reader.secret(), reader.answer_timeout_seconds) == ("host=db user=castro_page", "x", 5)
    assert loaded.postgres.secret() == "jobs"
    assert settings(tmp_path, environ).page.reader(loaded.postgres).secret() == "jobs"
