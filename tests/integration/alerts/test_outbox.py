"""The outbox on PostgreSQL: put in a transaction, claimed, delivered in order, retried, pruned."""

from __future__ import annotations

from contextlib import closing
from threading import Event
from typing import Any

import pytest

from castro_spark.channels.build import channels
from castro_spark.local.process import free_port
from castro_spark.outbox import claims, letters, put
from castro_spark.outbox.deliverer import Deliverer, deliver_once
from castro_spark.sinks.postgres.outbox import message_id
from tests.databases.alerting import Alerting, wait_until
from tests.integration.alerts.sending import PAYLOAD, errors, send, states
from tests.servers.receivers import Hook, silent_server


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


def test_messages_for_a_channel_that_the_settings_lack_wait_and_are_told(alerting: Alerting, caplog: pytest.LogCaptureFixture) -> None:
    send(alerting, "gone", cause="1")
    deliver_once(alerting.settings)
    assert "1 message waits for channel gone, which alerts.channels lacks" in caplog.text
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
