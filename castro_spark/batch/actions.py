"""The actions that castro.command may request of any process. Each is safe to repeat: a process may die after it.

To add one, write a class with its arguments and `run`, and name it in ACTIONS. `stop` is not among them: it goes to the
process that runs the stream (streaming/stop.py).
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from pydantic import AwareDatetime, Field, ValidationError, field_validator, model_validator

from castro_spark.batch.cache import rebuild_streams, rebuild_view
from castro_spark.batch.replay import replay_chosen
from castro_spark.counted import counted
from castro_spark.errors import SinkError, UsageError
from castro_spark.incidents import by_hand
from castro_spark.incidents.configured import incident_rules
from castro_spark.incidents.of_checks import note_checks
from castro_spark.incidents.text import line
from castro_spark.outbox import letters
from castro_spark.quality.checks import NAMES
from castro_spark.quality.run import failed, run_checks
from castro_spark.sections import Section
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit import quarantine
from castro_spark.sinks.postgres.commit.quarantine import Choice
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sources.kafka.ends import NativeTopics, NotNative
from castro_spark.streams import all_streams, stream


class Action(Section, ABC):
    """An action with its arguments."""

    @abstractmethod
    def run(self, settings: Settings, by: str) -> str:
        """Does it for `by`, and returns the result as text. Raises if it failed."""


class _OfRecords(Action):
    """An action on open quarantined records: those with all the given properties. `up_to`: the last id that whoever
    chose has seen, so that later records are not chosen unseen."""

    ids: tuple[int, ...] = ()
    reason: str | None = None
    streams: tuple[str, ...] = ()
    up_to: int | None = None

    @property
    def choice(self) -> Choice:
        return Choice(self.ids, self.reason, self.streams, self.up_to)


class Replay(_OfRecords):
    """Sends open quarantined records through the stream's code again. `value`, in base64, mends that of `ids` first."""

    value: str | None = None

    @field_validator("value")
    @classmethod
    def _base64(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                base64.b64decode(value, validate=True)
            except ValueError:
                raise ValueError("must be base64") from None
        return value

    @model_validator(mode="after")
    def _one_value_for_one_record(self) -> Replay:
        if self.value is not None and len(self.ids) != 1:
            raise ValueError("value mends one record: name it in ids")
        return self

    def run(self, settings: Settings, by: str) -> str:
        del by
        if self.ids:
            with closing(connect(settings.postgres, "castro_spark replay")) as connection:
                if not quarantine.open_ids(connection, self.ids):
                    raise UsageError(
                        f"no open record in quarantine has id {', '.join(map(str, self.ids))}",
                        "./spark-submit.sh quarantine list shows the open ones",
                    )
                if self.value is not None:
                    quarantine.mend(connection, self.ids[0], base64.b64decode(self.value))
        done = replay_chosen(settings, self.choice)
        if not done.complete:
            raise SinkError("; ".join(done.lines()), "see ./spark-submit.sh quarantine list")
        return done.lines()[0]


class Discard(_OfRecords):
    """Marks open quarantined records as discarded, with the reason for that."""

    note: str = Field(min_length=1)

    @model_validator(mode="after")
    def _chosen(self) -> Discard:
        if not (self.ids or self.reason or self.streams):
            raise ValueError("name the records by ids, reason or streams")
        return self

    def run(self, settings: Settings, by: str) -> str:
        with closing(connect(settings.postgres, "castro_spark discard")) as connection:
            done = quarantine.discard_chosen(connection, self.choice, f"{self.note} ({by})")
        if not self.ids:
            return f"{done} discarded"
        rest = "" if done == len(set(self.ids)) else "; the others are not open"  # as those of a repeated command
        return f"{done} of {len(set(self.ids))} discarded{rest}"


class RebuildCache(Action):
    """Rewrites the Redis hashes of these streams; without any, of all, and of the 360° view."""

    streams: tuple[str, ...] = ()

    def run(self, settings: Settings, by: str) -> str:
        del by
        names = self.streams or tuple(all_streams())
        done = list(rebuild_streams(settings, [stream(name) for name in names]))
        if problems := [rebuilt.problem for rebuilt in done if rebuilt.problem]:
            raise SinkError("; ".join(problems), "the rebuild stays requested: the next process that projects does it")
        lines = [rebuilt.line() for rebuilt in done]
        if not self.streams:
            lines.append(f"product_360: {counted(rebuild_view(settings), 'hash', 'hashes')}")
        return "; ".join(lines)


class MuteIncident(Action):
    """Keeps notifications about an incident back until a time; one in the past ends a mute."""

    incident: int
    until: AwareDatetime
    reason: str = Field(min_length=1)

    def run(self, settings: Settings, by: str) -> str:
        with closing(connect(settings.postgres, "castro_spark incidents")) as connection:
            return line(by_hand.mute(connection, self.incident, self.until, by, self.reason)).strip()


class CloseIncident(Action):
    """Ends an incident by hand. If its check still fails, the next run opens a new one."""

    incident: int
    reason: str = Field(min_length=1)

    def run(self, settings: Settings, by: str) -> str:
        rules, channels = incident_rules(settings.alerts), settings.alerts.channels_for("incident")
        with closing(connect(settings.postgres, "castro_spark incidents")) as connection:
            return line(by_hand.close(connection, self.incident, by, self.reason, rules, channels)).strip()


class RetryMessages(Action):
    """Makes dead letters, and messages that wait for another attempt, due now: those of `ids`, or all of a channel, or
    all."""

    ids: tuple[int, ...] = ()
    channel: str | None = None

    def run(self, settings: Settings, by: str) -> str:
        del by
        with closing(connect(settings.postgres, "castro_spark outbox")) as connection:
            number = letters.retry(connection, self.ids or None, self.channel)
            return f"{counted(number, 'message is', 'messages are')} due now"


class DiscardMessages(Action):
    """Gives messages up that are dead or pending, with the reason for that."""

    ids: tuple[int, ...] = Field(min_length=1)
    note: str = Field(min_length=1)

    def run(self, settings: Settings, by: str) -> str:
        with closing(connect(settings.postgres, "castro_spark outbox")) as connection:
            return f"{counted(letters.discard(connection, self.ids, f'{self.note} ({by})'), 'message')} discarded"


class CheckQuality(Action):
    """Runs the named quality checks now, or all, and stores their results."""

    checks: tuple[str, ...] = ()

    @field_validator("checks")
    @classmethod
    def _known(cls, checks: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in checks if name not in NAMES]:
            raise ValueError(f"there is no check {', '.join(unknown)}; there are {', '.join(NAMES)}")
        return checks

    def run(self, settings: Settings, by: str) -> str:
        del by
        try:
            topics = NativeTopics(settings.kafka, settings.quality.kafka_options)
        except NotNative as option:
            raise SinkError(
                f"Kafka is asked by a JVM here: librdkafka has no counterpart of {option}", "./spark-submit.sh quality"
            ) from None
        results = run_checks(
            settings, list(all_streams().values()), topics, names=self.checks, note=note_checks(settings)
        )
        wrong = [f"{r.check} of {r.subject}" for r in results if failed(r, settings)]
        return f"{counted(len(results), 'result')}, {len(wrong)} failed" + (f": {', '.join(wrong)}" if wrong else "")


ACTIONS: dict[str, type[Action]] = {
    "replay": Replay, "discard": Discard, "rebuild_cache": RebuildCache, "mute_incident": MuteIncident,
    "close_incident": CloseIncident, "retry_messages": RetryMessages, "discard_messages": DiscardMessages,
    "check_quality": CheckQuality,
}  # fmt: skip


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
