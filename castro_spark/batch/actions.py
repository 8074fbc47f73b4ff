"""The actions that castro.command may request of any process. Each is safe to repeat: a process may die after it.

To add one, write a class with its arguments and `run`, and name it in ACTIONS. `stop` is not among them: it goes to the
process that runs the stream (streaming/stop.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from pydantic import Field, ValidationError

from castro_spark.batch.cache import rebuild_streams, rebuild_view
from castro_spark.batch.replay import replay_all
from castro_spark.errors import SinkError, UsageError
from castro_spark.servers import Section
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit import quarantine
from castro_spark.sinks.postgres.connection import connect
from castro_spark.streams import all_streams, stream


class Action(Section, ABC):
    """An action with its arguments."""

    @abstractmethod
    def run(self, settings: Settings) -> str:
        """Does it, and returns the result as text. Raises if it failed."""


class Replay(Action):
    """Sends open quarantined records through the stream's code again: those with all the given properties."""

    ids: tuple[int, ...] = ()
    reason: str | None = None
    streams: tuple[str, ...] = ()

    def run(self, settings: Settings) -> str:
        with closing(connect(settings.postgres, "castro_spark replay")) as connection:
            records = quarantine.records(connection, reason=self.reason, ids=self.ids, streams=self.streams)
        done = replay_all(settings, records)
        if not done.complete:
            raise SinkError("; ".join(done.lines()), "see ./spark-submit.sh quarantine list")
        return done.lines()[0]


class Discard(Action):
    """Marks open quarantined records as discarded, with the reason for that."""

    ids: tuple[int, ...] = Field(min_length=1)
    note: str = Field(min_length=1)

    def run(self, settings: Settings) -> str:
        with closing(connect(settings.postgres, "castro_spark discard")) as connection:
            done = quarantine.discard(connection, self.ids, self.note)
        rest = "" if done == len(set(self.ids)) else "; the others are not open"  # as those of a repeated command
        return f"{done} of {len(set(self.ids))} discarded{rest}"


class RebuildCache(Action):
    """Rewrites the Redis hashes of these streams; without any, of all, and of the 360° view."""

    streams: tuple[str, ...] = ()

    def run(self, settings: Settings) -> str:
        names = self.streams or tuple(all_streams())
        done = list(rebuild_streams(settings, [stream(name) for name in names]))
        if problems := [rebuilt.problem for rebuilt in done if rebuilt.problem]:
            raise SinkError("; ".join(problems), "the rebuild stays requested: the next process that projects does it")
        lines = [rebuilt.line() for rebuilt in done]
        if not self.streams:
            lines.append(f"product_360: {rebuild_view(settings):,} hashes")
        return "; ".join(lines)


ACTIONS: dict[str, type[Action]] = {"replay": Replay, "discard": Discard, "rebuild_cache": RebuildCache}


def action(name: str, arguments: Mapping[str, Any]) -> Action:
    """The action of that name. Raises UsageError, which names what is wrong with name or arguments."""
    if name not in ACTIONS:
        raise UsageError(f"there is no action {name!r}", f"use one of: {', '.join(ACTIONS)}")
    try:
        return ACTIONS[name].model_validate(dict(arguments))
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        known = ", ".join(ACTIONS[name].model_fields)
        raise UsageError(f"action {name}: {found}", f"its arguments are {known}") from None
