"""What a channel is: it sends one message, and says whether a failure may pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID


class Unavailable(Exception):
    """The message was not taken now; a later attempt may succeed. The text holds no secret."""

    def __init__(self, words: str, retry_after: float | None = None) -> None:
        super().__init__(words)
        self.retry_after = retry_after  # seconds that the other side asks to wait


class Refused(Exception):
    """The message, or this client, is refused: a further attempt does not help. The text holds no secret."""


@dataclass(frozen=True)
class Message:
    """A message as a channel gets it. `id` and `cause` are the same in each attempt: receivers recognise a repetition
    by them. `payload` is plain JSON data.
    """

    id: UUID
    kind: str
    cause: str
    payload: Mapping[str, Any]
    created_at: datetime
    series: str | None = None

    @property
    def summary(self) -> str:
        """The message in one line."""
        text = str(self.payload.get("summary") or self.payload.get("words") or f"{self.kind} {self.cause}")
        return " ".join("".join(c if c.isprintable() else " " for c in text).split())


class Channel(Protocol):
    """Sends messages. Called by one thread at a time; an attempt that hangs may still run beside the next one."""

    def send(self, message: Message) -> None:
        """Sends the message. Returns once the other side has taken it; raises Unavailable or Refused."""
