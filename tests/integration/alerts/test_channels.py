"""The channels: what a webhook, a mailbox and Apprise receive of a message."""

from __future__ import annotations

import logging
import ssl
from contextlib import closing
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any
from uuid import uuid4

import pytest
from aiosmtpd.smtp import AuthResult

from castro_spark.channels.channel import Message, Unavailable
from castro_spark.channels.webhook import WebhookChannel
from castro_spark.local.process import free_port
from castro_spark.outbox import letters
from castro_spark.outbox.deliverer import Deliverer, deliver_once
from castro_spark.sections.alerts import WebhookSettings
from castro_spark.sinks.postgres.outbox import message_id
from tests.databases.alerting import Alerting, self_signed, wait_until
from tests.integration.alerts.sending import errors, send, states
from tests.servers.receivers import Hook, Mailbox


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


def test_a_webhook_says_when_to_come_again(hook: Hook) -> None:
    channel = WebhookChannel("hook", WebhookSettings(type="webhook", url=hook.url))
    message = Message(uuid4(), "incident", "c", {"summary": "s"}, datetime.now(timezone.utc))
    in_an_hour = format_datetime(datetime.now(timezone.utc) + timedelta(hours=1), usegmt=True)
    waits = []
    for given in ("30", in_an_hour, "Wed, 21 Oct 2015 07:28:00 GMT", "Fri, 31 Dec 2199 23:59:59 GMT", "\u00b2", "soon", "-5"):
        hook.answers.append((429, {"Retry-After": given}))
        with pytest.raises(Unavailable) as error:
            channel.send(message)
        waits.append(error.value.retry_after)
    assert 3000 < (waits.pop(1) or 0) <= 3600
    assert waits == [30, 0, 86400, None, None, None]


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
