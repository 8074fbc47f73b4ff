"""The whole way over TLS, with the least rights: the oracle's numbers, and every job that a stream's user runs."""

from __future__ import annotations

import json
import random

import pytest

from tests import oracle
from tests.builders import native, random_events
from tests.secured.rights import PASSWORD
from tests.secured.system import SecuredSystem

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


def test_the_oracles_numbers(secured: SecuredSystem) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    sent = []
    outputs = []
    for by_executors in (False, True):
        events = random_events(rng, 300)
        sent += list(zip(secured.produce(native(e) for e in events), events, strict=True))
        secured.produce([b"{"])
        secured.configure({"streaming": {"executor_staging_rows": 1}} if by_executors else {})
        outputs.append(secured.drain())
        assert "1 quarantined" in outputs[-1]
        oracle.assert_agrees(secured, sent)
    secured.redis.flushdb()
    outputs.append(secured.job("cache", "rebuild"))
    oracle.assert_redis_agrees(secured, sent)
    outputs.append(secured.job("status", "--json"))
    outputs.append(secured.job("quarantine", "list"))
    assert "not_json" in outputs[-1]
    assert not [output for output in outputs if PASSWORD in output or json.dumps(PASSWORD)[1:-1] in output]
    # Nothing was written by anybody with more rights.
    assert secured.query("SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'castro'") == [("castro_owner",)]
    held = secured.query("SELECT has_database_privilege('castro', current_database(), 'CREATE'), has_schema_privilege('castro', 'castro', 'CREATE')")
    assert held == [(False, False)]


def test_an_executor_that_is_refused_is_told(secured: SecuredSystem) -> None:
    """The driver is let in: without a word from the tasks a stream would wait for ever."""
    file = secured.folder / "of-the-nodes"
    for content, words in (("wrong", "password authentication failed"), (None, "executor_password_file: cannot read")):
        if content:
            file.write_text(content)
        else:
            file.unlink()
        secured.configure({
            "streaming": {"executor_staging_rows": 1, "restart_for_seconds": 0},
            "postgres": {"executor_password_file": str(file)},
        })  # fmt: skip
        secured.produce([b"{"])
        output = secured.job("stream", "--available-now", status=1)
        assert "an executor's session is refused: " in output
        assert words in output
        assert "this is about the executors' nodes: their addresses in pg_hba.conf" in output
    assert "executor_refused" in secured.job("status", status=1)
