"""The page that `local up` and `demo --open-page` serve: on the stack's servers, ended with it."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

from castro_spark.local import Stack
from castro_spark.local.page import LocalPage


def test_the_page_is_served_on_the_servers_of_the_stack(databases: Stack, tmp_path: Path) -> None:
    page = LocalPage(tmp_path, databases.env())
    try:
        assert page.start()
        assert not page.start()  # it runs
        assert "castro_spark" in words(page.url)
        same = LocalPage(tmp_path, {})  # as `local status` and `local down` see it
        assert same.running()
        assert same.url == page.url
        assert same.ready()
        same.stop()
        assert not page.running()
        assert not page.ready()
    finally:
        page.stop()
    again = LocalPage(tmp_path, databases.env())
    assert again.port == page.port


def words(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:  # 503 where the tables are not there yet
        return error.read().decode()
