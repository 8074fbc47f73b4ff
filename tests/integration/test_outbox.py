"""The outbox on PostgreSQL: put in a transaction, delivered by real channels to sinks on loopback."""

from __future__ import annotations

import json
import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from castro_spark.channels.build import channels
from castro_spark.outbox import claims, letters, put
from castro_spark.outbox.deliverer import Deliverer, deliver_once
from castro_spark.sinks.postgres.outbox import message_id
from tests.alerting import Alerting, self_signed, wait_until

PAYLOAD = {
    "incident": 7, "event": "opened", "status": "firing", "summary": "opened: freshness of sales", "check": "freshness",
    "subject": "sales", "outcome": "fail", "severity": "critical", "words": "601 s behind", "observed": "601 s",
    "limit": "600 s", "evidence": {"newest": "2026-03-02T12:00:00Z"}, "opened_at": "2026-03-02T12:10:00+00:00",
}  # fmt: skip


class Hook:
    """A webhook's receiver: answers with what `answers` has, then with 200."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.got: list[tuple[dict[str, str], Any]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.got.append((dict(self.headers), json.loads(body)))
                status, headers = hook.answers.pop(0) if hook.answers else (200, {})
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/alerts"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
            self.url = f"https://localhost:{self._server.server_port}/alerts"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def ids(self) -> list[str]:
        return [headers["Idempotency-Key"] for headers, _ in self.got]


@pytest.fixture
def hook() -> Iterator[Hook]:
    with closing(Hook()) as hook:
        yield hook


class Mailbox:
    """An SMTP server: keeps what it takes; refuses the recipients in `refused` for ever, those in `later` for now. To QUIT
    it answers `goodbye`."""

    def __init__(self, **options: Any) -> None:
        self.mails: list[Any] = []
        self.refused: set[str] = set()
        self.later: set[str] = set()
        self.recipients: list[list[str]] = []  # of each mail
        self.goodbye = "221 Bye"
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port(), **options)
        self._controller.start()
        self.port = self._controller.port

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address in self.refused:
            return "550 no such user"
        if address in self.later:
            return "450 try later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content))
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        return self.goodbye

    def close(self) -> None:
        self._controller.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def silent_server() -> Iterator[int]:
    """Accepts, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            try:
                while True:
                    held.append(server.accept()[0])
            except OSError:
                return

        Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for connection in held:
            connection.close()


def send(alerting: Alerting, *names: str, cause: str = "incident:7:1", series: str | None = None, **payload: Any) -> list[str]:
    with closing(alerting.connect()) as connection, connection:
        return put(connection, "incident", cause, {**PAYLOAD, **payload}, names, series=series)


def states(alerting: Alerting) -> list[tuple[Any, ...]]:
    return alerting.query("SELECT channel, state, attempts FROM castro.outbox ORDER BY id")


def errors(alerting: Alerting) -> list[str]:
    return [error for (error,) in alerting.query("SELECT error FROM castro.outbox WHERE error IS NOT NULL ORDER BY id")]


def test_one_message_per_cause_and_channel(alerting: Alerting) -> None:
    assert send(alerting, "log", "hook") == ["hook", "log"]
    assert send(alerting, "log", "mail") == ["mail"]
    assert send(alerting) == []
    with closing(alerting.connect()) as connection:
        put(connection, "incident", "rolled back", PAYLOAD, ["log"])
        connection.rollback()
    assert len(states(alerting)) == 3
    assert alerting.query("SELECT DISTINCT message_id::text FROM castro.outbox") == [(str(message_id("incident:7:1")),)]
    assert str(message_id("5f0c3b1e-7a90-4d27-9f7e-93d2f0b6a001")) == "5f0c3b1e-7a90-4d27-9f7e-93d2f0b6a001"
    with closing(alerting.connect()) as connection, pytest.raises(ValueError, match="at most 262,144"):
        put(connection, "incident", "c", {"large": "x" * 300_000}, ["log"])


def test_a_claim_is_a_lease_and_only_its_holder_settles(alerting: Alerting) -> None:
    send(alerting, "log")
    with closing(alerting.connect()) as one, closing(alerting.connect()) as other:
        first = claims.claim(one, "log", 60)
        assert first is not None and first.attempt == 1
        assert claims.claim(other, "log", 60) is None
        assert claims.due(other) == {}
        alerting.query("UPDATE castro.outbox SET lease_until = now() - interval '1 second'")  # its holder is frozen
        second = claims.claim(other, "log", 60)
        assert second is not None and (second.attempt, second.message.id) == (2, first.message.id)
        assert not claims.delivered(one, first)
        assert not claims.dead(one, first, "late")
        assert not claims.retry_later(one, first, "late", 1)
        assert claims.delivered(other, second)
        assert not claims.delivered(other, second)
    assert states(alerting) == [("log", "delivered", 2)]


def test_a_locked_message_is_passed_over(alerting: Alerting) -> None:
    send(alerting, "log", cause="a")
    send(alerting, "log", cause="b")
    with closing(alerting.connect()) as holder, closing(alerting.connect()) as other:
        holder.cursor().execute("SELECT 1 FROM castro.outbox WHERE cause = 'a' FOR UPDATE")
        claimed = claims.claim(other, "log", 60)
        assert claimed is not None and claimed.message.cause == "b"


def test_a_series_arrives_in_its_order(alerting: Alerting, hook: Hook) -> None:
    settings = alerting.configure({"hook": {"type": "webhook", "url": hook.url}})
    for number in range(3):
        send(alerting, "hook", cause=f"s{number}", series="incident:7", summary=f"{number}")
    send(alerting, "hook", cause="other", summary="other")
    hook.answers = [(503, {})]
    with Deliverer(settings):
        wait_until(lambda: len(hook.got) == 5, words=lambda: states(alerting))
        wait_until(lambda: {s for _, s, _ in states(alerting)} == {"delivered"}, words=lambda: states(alerting))
    seen = [body["commonAnnotations"]["summary"] for _, body in hook.got]
    assert [s for s in seen if s != "other"] == ["0", "0", "1", "2"]
    assert sorted(seen)[-1] == "other"


def test_webhook_gets_what_alertmanager_sends(alerting: Alerting, hook: Hook) -> None:
    alerting.env["CASTRO_ALERTS_HOOK_TOKEN"] = "t0ken"
    settings = alerting.configure({"hook": {"type": "webhook", "url": hook.url}})
    send(alerting, "hook", series="incident:7")
    send(alerting, "hook", cause="incident:7:2", series="incident:7", status="resolved", ended_at="2026-03-02T13:00:00+00:00")
    assert deliver_once(settings)["hook"].delivered == 2
    (headers, first), (_, second) = hook.got
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["Idempotency-Key"] == str(message_id("incident:7:1"))
    assert (first["version"], first["receiver"], first["status"], second["status"]) == ("4", "hook", "firing", "resolved")
    assert first["alerts"][0]["labels"] == {
        "alertname": "freshness", "severity": "critical", "kind": "incident", "subject": "sales", "incident": "7",
    }  # fmt: skip
    assert first["alerts"][0]["annotations"]["observed"] == "601 s"
    assert [a["alerts"][0]["endsAt"] for a in (first, second)] == ["0001-01-01T00:00:00Z", "2026-03-02T13:00:00+00:00"]
    assert first["alerts"][0]["fingerprint"] == second["alerts"][0]["fingerprint"]
    assert "t0ken" not in str(alerting.query("SELECT o::text FROM castro.outbox o"))


def test_a_webhook_over_tls_is_verified(alerting: Alerting, tmp_path: Any) -> None:
    key, cert = self_signed(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    with closing(Hook(tls)) as hook:
        send(alerting, "hook")
        assert deliver_once(alerting.configure({"hook": {"type": "webhook", "url": hook.url}}))["hook"].failed == 1
        assert "certificate verify failed" in errors(alerting)[0]
        with closing(alerting.connect()) as connection:
            letters.retry(connection, None)
        settings = alerting.configure({"hook": {"type": "webhook", "url": hook.url, "ca_file": str(cert)}})
        assert deliver_once(settings)["hook"].delivered == 1


def test_what_may_pass_is_retried_and_what_is_refused_is_a_dead_letter(alerting: Alerting, hook: Hook) -> None:
    settings = alerting.configure({"hook": {"type": "webhook", "url": hook.url}}, attempts=4)
    hook.answers = [(500, {}), (429, {"Retry-After": "0"}), (200, {}), (400, {})]
    with Deliverer(settings):
        send(alerting, "hook", cause="a")
        wait_until(lambda: states(alerting) == [("hook", "delivered", 3)], words=lambda: states(alerting))
        send(alerting, "hook", cause="b")
        wait_until(lambda: states(alerting)[1:] == [("hook", "dead", 1)], words=lambda: states(alerting))
        hook.answers = [(503, {})] * 4
        send(alerting, "hook", cause="c")
        wait_until(lambda: states(alerting)[2:] == [("hook", "dead", 4)], words=lambda: states(alerting))
    assert [error.partition(":")[0] for error in errors(alerting)] == ["refused", "given up after 4 attempts"]
    assert hook.ids() == [str(message_id(cause)) for cause in "aaabcccc"]
    with closing(alerting.connect()) as connection:
        queue = letters.queues(connection)[0]
        assert (queue.channel, queue.pending, queue.dead) == ("hook", 0, 2)
        assert letters.retry(connection, None) == 2
    assert deliver_once(settings)["hook"].delivered == 2


def test_a_silent_and_a_dead_channel_hold_up_nothing_and_lose_nothing(alerting: Alerting, hook: Hook) -> None:
    dead_port = free_port()
    broken = {
        "dead_hook": {"type": "webhook", "url": f"http://127.0.0.1:{dead_port}/x"},
        "dead_mail": {"type": "email", "host": "127.0.0.1", "port": dead_port, "security": "none"},
        "dead_tasks": {"type": "celery", "broker": f"redis://127.0.0.1:{dead_port}/0"},
    }
    with silent_server() as port:
        broken |= {
            "silent_hook": {"type": "webhook", "url": f"http://127.0.0.1:{port}/x", "timeout_seconds": 0.5},
            "silent_mail": {"type": "email", "host": "127.0.0.1", "port": port, "security": "none", "timeout_seconds": 0.5},
            "silent_tasks": {"type": "celery", "broker": f"redis://127.0.0.1:{port}/0", "timeout_seconds": 0.5},
        }
        for name, conf in broken.items():
            if name.endswith("mail"):
                conf |= {"sender": "castro@x.local", "recipients": ["ops@x.local"]}
        settings = alerting.configure({"hook": {"type": "webhook", "url": hook.url}, **broken}, attempts=10_000)
        with Deliverer(settings):
            for number in range(20):
                send(alerting, "hook", *broken, cause=f"c{number}")
            wait_until(lambda: len(hook.got) == 20)
            failing = "SELECT count(DISTINCT channel) FROM castro.outbox WHERE error IS NOT NULL"
            wait_until(lambda: alerting.query(failing) == [(6,)], words=lambda: states(alerting))
    words = dict(alerting.query("SELECT DISTINCT ON (channel) channel, error FROM castro.outbox WHERE error IS NOT NULL ORDER BY channel, id"))
    # On a busy machine the attempt's own limit may come before that of the library.
    in_time = ("no answer in time", "no result after")
    assert all(any(text in words[name] for text in in_time) for name in words if name.startswith("silent")), words
    assert "Connection refused" in words["dead_hook"]
    assert alerting.query("SELECT state, count(*) FROM castro.outbox GROUP BY 1 ORDER BY 1") == [("delivered", 20), ("pending", 120)]

    # All are mended: by one look each, what failed before is due at once.
    settings = alerting.configure({"hook": {"type": "webhook", "url": hook.url}, **{name: {"type": "log"} for name in broken}})
    alerting.query("UPDATE castro.outbox SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL")
    with closing(alerting.connect()) as connection:
        letters.retry(connection, None)
    deliver_once(settings)
    assert alerting.query("SELECT DISTINCT state FROM castro.outbox") == [("delivered",)]


def test_a_channel_that_ignores_its_time_outs_is_left_behind(alerting: Alerting) -> None:
    settings = alerting.configure({"tasks": {"type": "log", "timeout_seconds": 0.1}})
    free, calls = Event(), []

    class Hangs:
        def send(self, message: Any) -> None:
            calls.append(message.cause)
            free.wait(60)

    send(alerting, "tasks", cause="a")
    with Deliverer(settings, {"tasks": Hangs(), "log": channels(settings)["log"]}) as deliverer:
        wait_until(lambda: len(calls) == 3)  # as many as may hang; then no more
        wait_until(lambda: deliverer.workers["tasks"].is_paused)
        attempts = states(alerting)
        send(alerting, "log", cause="b")
        wait_until(lambda: states(alerting)[-1] == ("log", "delivered", 1))
        assert states(alerting)[0] == attempts[0] == ("tasks", "pending", 3)
        free.set()
        wait_until(lambda: states(alerting)[0][1] == "delivered", words=lambda: states(alerting))
    assert "may still succeed" not in str(alerting.query("SELECT error FROM castro.outbox WHERE channel = 'log'"))


def test_mail(alerting: Alerting) -> None:
    with closing(Mailbox()) as mailbox:
        mail = {"type": "email", "host": "127.0.0.1", "port": mailbox.port, "security": "none", "sender": "castro@x.local",
                "recipients": ["a@x.local", "b@x.local"]}  # fmt: skip
        settings = alerting.configure({"mail": mail})
        send(alerting, "mail", cause="1", series="incident:7", summary="opened: São Paulo\nBcc: x@x.local")
        assert deliver_once(settings)["mail"].delivered == 1
        (got,) = mailbox.mails
        assert (got["To"], got["Bcc"], got["Message-ID"]) == ("a@x.local, b@x.local", None, f"<{message_id('1')}@x.local>")
        assert got["References"] == "<incident.7.castro-spark@x.local>"
        assert "observed: 601 s" in got.get_payload(decode=True).decode()

        mailbox.later = {"a@x.local", "b@x.local"}
        send(alerting, "mail", cause="2")
        assert deliver_once(settings)["mail"].failed == 1
        mailbox.later, mailbox.refused = set(), {"b@x.local"}
        send(alerting, "mail", cause="3")
        tally = deliver_once(settings)["mail"]
        mailbox.refused = {"a@x.local", "b@x.local"}
        send(alerting, "mail", cause="4")
        deliver_once(settings)
    assert tally.dead >= 1
    seen = dict(alerting.query("SELECT cause, state || ' ' || coalesce(error, '') FROM castro.outbox"))
    assert seen["3"] == f"dead refused: sent to a@x.local, but 127.0.0.1:{mailbox.port} refuses b@x.local: 550 no such user"
    assert seen["4"].startswith(f"dead refused: 127.0.0.1:{mailbox.port} takes no recipient: a@x.local: 550 no such user; b@")


def test_a_recipient_that_the_server_asks_to_wait_for_gets_the_mail_later_and_no_other_gets_it_twice(alerting: Alerting) -> None:
    def wait_for_it(state: str) -> None:
        wait_until(lambda: states(alerting)[0][1:2] == (state,), words=lambda: errors(alerting))

    with closing(Mailbox()) as mailbox:
        mail = {"type": "email", "host": "127.0.0.1", "port": mailbox.port, "security": "none", "sender": "castro@x.local",
                "recipients": ["a@x.local", "b@x.local", "c@x.local"]}  # fmt: skip
        mailbox.later, mailbox.refused = {"b@x.local"}, {"c@x.local"}
        with Deliverer(alerting.configure({"mail": mail}, attempts=1000)):
            send(alerting, "mail", cause="1")
            wait_until(lambda: "sent to a@x.local, but" in str(errors(alerting)) and "b@x.local: 450 try later" in str(errors(alerting)))
            mailbox.later = set()
            wait_for_it("dead")
    assert mailbox.recipients == [["a@x.local"], ["b@x.local"]]
    assert "sent to a@x.local, b@x.local, but" in errors(alerting)[0]


def test_a_mail_is_sent_once_however_the_server_says_goodbye(alerting: Alerting) -> None:
    with closing(Mailbox()) as mailbox:
        mail = {"type": "email", "host": "127.0.0.1", "port": mailbox.port, "security": "none", "sender": "castro@x.local",
                "recipients": ["a@x.local"]}  # fmt: skip
        mailbox.goodbye = "421 closing"
        settings = alerting.configure({"mail": mail})
        send(alerting, "mail", cause="1")
        assert deliver_once(settings)["mail"].delivered == 1
    assert len(mailbox.mails) == 1


def test_mail_over_tls_with_a_password(alerting: Alerting, tmp_path: Any, capfd: pytest.CaptureFixture[str]) -> None:
    key, cert = self_signed(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)

    def authenticator(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"castro", b"s3cr3t-canary"), handled=False)

    with closing(Mailbox(tls_context=tls, require_starttls=True, authenticator=authenticator, auth_required=True)) as mailbox:
        mail = {"type": "email", "host": "localhost", "port": mailbox.port, "username": "castro", "sender": "castro@x.local",
                "recipients": ["a@x.local"], "timeout_seconds": 5}  # fmt: skip
        alerting.env["CASTRO_ALERTS_MAIL_PASSWORD"] = "s3cr3t-canary"
        send(alerting, "mail", cause="1")
        assert deliver_once(alerting.configure({"mail": mail}))["mail"].failed == 1  # nobody vouches for it
        assert "certificate verify failed" in errors(alerting)[0]
        with closing(alerting.connect()) as connection:
            letters.retry(connection, None)
        assert deliver_once(alerting.configure({"mail": {**mail, "ca_file": str(cert)}}))["mail"].delivered == 1
        assert len(mailbox.mails) == 1
        alerting.env["CASTRO_ALERTS_MAIL_PASSWORD"] = "wrong-canary"
        send(alerting, "mail", cause="2")
        assert deliver_once(alerting.configure({"mail": {**mail, "ca_file": str(cert)}}))["mail"].dead == 1
    assert "535" in errors(alerting)[-1]
    told = str(alerting.query("SELECT o::text FROM castro.outbox o")) + "".join(capfd.readouterr())
    assert "canary" not in told


def test_a_secret_url_is_in_no_error(alerting: Alerting, hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    alerting.env["CASTRO_ALERTS_HOOK_URL"] = hook.url + "/s3cr3t-canary"
    alerting.env["CASTRO_ALERTS_DOWN_URL"] = f"http://127.0.0.1:{free_port()}/s3cr3t-canary"
    hook.answers = [(404, {})]
    send(alerting, "hook", "down")
    with caplog.at_level(logging.DEBUG, "castro_spark"):
        deliver_once(alerting.configure({"hook": {"type": "webhook"}, "down": {"type": "webhook"}}))
    assert [state for _, state, _ in states(alerting)] == ["pending", "dead"]
    assert "canary" not in str(alerting.query("SELECT o::text FROM castro.outbox o")) + caplog.text


def test_apprise(alerting: Alerting, hook: Hook) -> None:
    pytest.importorskip("apprise")
    alerting.env["CASTRO_ALERTS_CHAT_URL"] = hook.url.replace("http://", "json://")
    settings = alerting.configure({"chat": {"type": "apprise"}})
    send(alerting, "chat")
    with closing(Hook()) as _:
        headers: list[Any] = []
        original, hook.got = hook.got, headers
        try:
            assert deliver_once(settings)["chat"].delivered == 1
        except KeyError:
            raise AssertionError(headers) from None
        finally:
            hook.got = original
    assert headers[0][1]["message"].startswith("opened: freshness of sales")
    hook.answers = [(500, {})]
    send(alerting, "chat", cause="2")
    assert deliver_once(settings)["chat"].failed == 1


def test_messages_for_a_channel_that_the_settings_lack_wait_and_are_told(alerting: Alerting, caplog: pytest.LogCaptureFixture) -> None:
    send(alerting, "gone", cause="1")
    deliver_once(alerting.settings)
    assert "1 messages wait for channel gone, which alerts.channels lacks" in caplog.text
    assert states(alerting) == [("gone", "pending", 0)]


def test_many_deliverers_send_each_message_once(alerting: Alerting, hook: Hook) -> None:
    settings = alerting.configure({"hook": {"type": "webhook", "url": hook.url}})
    deliverers = [Deliverer(settings) for _ in range(4)]
    for deliverer in deliverers:
        deliverer.start()
    for number in range(40):
        send(alerting, "hook", cause=f"c{number}")
    wait_until(lambda: alerting.query("SELECT count(*) FROM castro.outbox WHERE state = 'delivered'") == [(40,)])
    for deliverer in deliverers:
        deliverer.close()
    assert sorted(hook.ids()) == sorted(str(message_id(f"c{n}")) for n in range(40))


def test_a_commit_wakes_the_delivery(alerting: Alerting, hook: Hook) -> None:
    settings = alerting.configure({"hook": {"type": "webhook", "url": hook.url}}, poll_seconds=3600)
    with Deliverer(settings):
        listening = ("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle'"
                     " AND application_name = 'castro_spark outbox' AND query = 'COMMIT'")  # fmt: skip
        wait_until(lambda: alerting.query(listening) == [(1,)])
        send(alerting, "hook")
        wait_until(lambda: len(hook.got) == 1)


def test_what_is_settled_is_pruned_and_dead_letters_stay(alerting: Alerting) -> None:
    for number in range(6):
        send(alerting, "log", cause=f"c{number}")
    alerting.query("UPDATE castro.outbox SET state = (ARRAY['delivered', 'discarded', 'dead'])[1 + id %% 3], settled_at = now() - interval '91 days' WHERE id > %s", (1,))
    alerting.query("UPDATE castro.outbox SET settled_at = now() WHERE id = 4")
    with closing(alerting.connect()) as connection:
        assert (claims.prune(connection, 90, 2), claims.prune(connection, 90, 2)) == (2, 0)
    assert [(n,) for n in (1, 2, 4, 5)] == alerting.query("SELECT id FROM castro.outbox ORDER BY id")


def test_sessions_lost_between_sending_and_marking(alerting: Alerting, hook: Hook) -> None:
    settings = alerting.configure({"hook": {"type": "webhook", "url": hook.url}})
    webhook = channels(settings)["hook"]

    class LosesSessions:
        def send(self, message: Any) -> None:
            webhook.send(message)
            alerting.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                           " AND application_name LIKE 'castro_spark outbox%'")  # fmt: skip

    with Deliverer(settings, {"hook": LosesSessions()}):
        for number in range(3):
            send(alerting, "hook", cause=f"c{number}")
        wait_until(lambda: states(alerting) == [("hook", "delivered", 1)] * 3, words=lambda: states(alerting))
    assert sorted(hook.ids()) == sorted(str(message_id(f"c{n}")) for n in range(3))


def test_a_process_that_ends_delivers_first(alerting: Alerting, hook: Hook) -> None:
    settings = alerting.configure({"hook": {"type": "webhook", "url": hook.url}}, poll_seconds=3600)
    deliverer = Deliverer(settings)
    deliverer.start()
    for number in range(10):
        send(alerting, "hook", "log", cause=f"c{number}")
    deliverer.close()
    assert alerting.query("SELECT DISTINCT state FROM castro.outbox") == [("delivered",)]
