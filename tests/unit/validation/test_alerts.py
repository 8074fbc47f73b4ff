"""`validate` of the alerts' channels: settings, and sockets of our own that are never sent anything."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from castro_spark.settings import Settings, load_settings
from castro_spark.validation import alerts
from castro_spark.validation.check import Result, State, run

CANARY = "c4n4ry"


def settings(folder: Path, channels: Mapping[str, Any], environ: Mapping[str, str], *, deliver: bool = True) -> Settings:
    conf = folder / "alerts.yaml"
    conf.write_text(yaml.safe_dump({"alerts": {"channels": dict(channels), "deliver": deliver}}))
    return load_settings(conf_file=conf, environ=environ)


def results(loaded: Settings) -> dict[str, Result]:
    return {r.check.removeprefix("alerts by "): r for r in run(list(alerts.checks(loaded)))}


def mail(port: int, **changes: Any) -> dict[str, Any]:
    return {"type": "email", "host": "127.0.0.1", "port": port, "sender": "a@b", "recipients": ["c@d"], **changes}


def test_each_server_is_reached_and_nothing_is_sent(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        server.settimeout(10)
        channels = {
            "hook": {"type": "webhook"},
            "mail": mail(port),
            "tasks": {"type": "celery", "broker": f"redis://127.0.0.1:{port}/3"},
            "cache": {"type": "celery"},
            "off": None,
        }
        environ = {"CASTRO_ALERTS_HOOK_URL": f"https://u:{CANARY}@127.0.0.1:{port}/{CANARY}", "CASTRO_REDIS_URL": f"redis://127.0.0.1:{port}/1"}
        told = results(settings(tmp_path, channels, environ))
        received = []
        for _ in range(4):
            connection, _ = server.accept()
            with connection:
                received.append(connection.recv(1))
    assert received == [b""] * 4
    assert {name: (r.state, r.place) for name, r in told.items()} == {
        "log": (State.OK, "log"),
        **dict.fromkeys(["hook", "mail", "tasks", "cache"], (State.OK, f"127.0.0.1:{port}")),
    }
    assert told["mail"].note.startswith("127.0.0.1 ")
    assert CANARY not in str(told)


def test_a_server_that_is_not_there_is_told_with_its_setting(tmp_path: Path) -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        channels = {
            "hook": {"type": "webhook", "url": f"http://127.0.0.1:{port}/x"},
            "secret": {"type": "webhook"},
            "mail": mail(port, host="no-such-host.invalid"),
            "tasks": {"type": "celery"},
        }
        environ = {"CASTRO_ALERTS_SECRET_URL": f"http://127.0.0.1:{port}/{CANARY}", "CASTRO_REDIS_URL": f"redis://127.0.0.1:{port}/1"}
        told = results(settings(tmp_path, channels, environ))
        elsewhere = results(settings(tmp_path, channels, environ, deliver=False))
    assert told.pop("log").state is State.OK
    assert {r.state for r in told.values()} == {State.FAILED}
    assert {name: f"{r.note}: {r.remedy}" for name, r in told.items()} == {
        "hook": f"127.0.0.1:{port}: Connection refused: nothing listens on that port: start the server, or correct alerts.channels.hook.url",
        "secret": f"127.0.0.1:{port}: Connection refused: nothing listens on that port: start the server, or correct CASTRO_ALERTS_SECRET_URL",
        "mail": f"no-such-host.invalid:{port}: the name is unknown here: correct alerts.channels.mail.host, or make the name known"
        " (name server, /etc/hosts)",
        "tasks": f"127.0.0.1:{port}: Connection refused: nothing listens on that port: start the server, or correct redis.url",
    }
    # Where another process delivers, it is from there that they must be reached.
    assert {r.state for r in elsewhere.values()} == {State.OK}
    assert "`outbox run` delivers" in elsewhere["mail"].note


@pytest.mark.parametrize(
    ("channel", "environ", "words"),
    [
        ({"type": "apprise"}, {"CASTRO_ALERTS_X_URL": f"pigeon://{CANARY}"}, "CASTRO_ALERTS_X_URL: apprise does not know"),
        ({"type": "webhook", "url": "https://h/x", "ca_file": "/nowhere.pem"}, {}, "alerts.channels.x.ca_file: /nowhere.pem: No such file"),
        (mail(25, ca_file=__file__), {}, "has no certificate that can be read"),
    ],
)
def test_what_is_not_usable_is_told_without_secrets(tmp_path: Path, channel: dict[str, Any], environ: dict[str, str], words: str) -> None:
    if channel["type"] == "apprise":
        pytest.importorskip("apprise")
    told = results(settings(tmp_path, {"x": channel}, environ, deliver=False))["x"]
    assert told.state is State.FAILED
    assert words in told.note
    assert told.remedy
    assert CANARY not in str(told)


def test_what_has_no_address_is_not_asked(tmp_path: Path) -> None:
    pytest.importorskip("apprise")
    channels = {"chat": {"type": "apprise"}, "tasks": {"type": "celery"}}
    environ = {"CASTRO_ALERTS_CHAT_URL": f"json://h/{CANARY}", "CASTRO_REDIS_URL": "unix:///run/redis.sock"}
    told = results(settings(tmp_path, channels, environ))
    assert {name: (r.state, r.place, r.note) for name, r in told.items()} == {
        "log": (State.OK, "log", ""),
        "chat": (State.OK, "apprise", "usable; not asked: only apprise knows the service's address"),
        "tasks": (State.OK, "celery", "by a socket of this machine"),
    }
