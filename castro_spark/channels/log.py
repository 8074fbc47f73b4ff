"""The log of the delivering process.

Guarantee: a repeated delivery writes the line again, with the same id.
"""

from __future__ import annotations

import logging

from castro_spark.channels.channel import Message

_log = logging.getLogger("castro_spark.alerts")


class LogChannel:
    """Logs each message in one line: as an error if it is critical, as a warning if it is not, as information if an
    incident ended."""

    def send(self, message: Message) -> None:
        level = logging.ERROR if message.payload.get("severity") == "critical" else logging.WARNING
        if message.payload.get("status") == "resolved":
            level = logging.INFO
        _log.log(level, "%s [%s %s]", message.summary, message.kind, message.id)
