"""Mail by SMTP, with the standard library.

Guarantee: a message is delivered once the server has taken it for every recipient. A repeated delivery has the same
Message-ID, by which mail systems recognise it; the messages of one incident form a thread. If the server takes it for
some recipients and asks to wait for others, a later attempt of this process sends it to the others only. Those that are
refused for ever make it a dead letter, in words that name who got it and who did not.
"""

from __future__ import annotations

import json
import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from uuid import UUID

from castro_spark.channels.channel import Message, Refused, Unavailable
from castro_spark.sections.alerts import EmailSettings

_MOST_SUBJECT = 200
_PERMANENT = 500  # SMTP's codes from here on are permanent
_MOST_PARTLY_SENT = 1000  # messages whose recipients are remembered
_SHOWN = ("check", "subject", "outcome", "severity", "observed", "limit", "count", "opened_at", "seen_at", "ended_at",
          "ended_by", "ended_because", "product_code", "reason")  # fmt: skip


class EmailChannel:
    """Sends each message in an SMTP session of its own."""

    def __init__(self, name: str, settings: EmailSettings) -> None:
        self._name = name
        self._settings = settings
        self._tls = ssl.create_default_context(cafile=settings.ca_file)
        self._partly_sent: dict[UUID, frozenset[str]] = {}  # who got a message that others wait for

    def send(self, message: Message) -> None:
        mail = as_mail(message, self._settings.sender, self._settings.recipients)
        where = f"{self._settings.host}:{self._settings.port}"
        had = self._partly_sent.get(message.id, frozenset())
        asked = [recipient for recipient in self._settings.recipients if recipient not in had]
        try:
            refused = self._sent(mail, asked)
        except smtplib.SMTPRecipientsRefused as error:
            refused = error.recipients
        except smtplib.SMTPResponseException as error:
            answer = f"{where} answers {error.smtp_code} {_text(error.smtp_error)}"
            raise (Refused if error.smtp_code >= _PERMANENT else Unavailable)(answer) from None
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(f"{where}: {error}") from None
        except UnicodeEncodeError:
            raise Refused(f"{where}: smtplib sends user names and passwords of ASCII characters only") from None
        except (smtplib.SMTPException, OSError) as error:
            words = str(error) or type(error).__name__
            raise Unavailable(f"{where}: {'no answer in time' if 'timed out' in words else words}") from None
        taken = had.union(asked).difference(refused)
        self._remember(message.id, taken if refused else frozenset())
        if refused:
            words = f"{where} takes no recipient: {_each(refused)}"
            if taken:
                words = f"sent to {', '.join(sorted(taken))}, but {where} refuses {_each(refused)}"
            raise (Refused if all(code >= _PERMANENT for code, _ in refused.values()) else Unavailable)(words)

    def _sent(self, mail: EmailMessage, recipients: list[str]) -> dict[str, Any]:
        """Sends the mail; returns the recipients that the server refused, with its answer to each."""
        session = self._session()
        try:
            refused: dict[str, Any] = session.send_message(mail, to_addrs=recipients)
            with suppress(smtplib.SMTPException, OSError):  # the mail is taken, however the session ends
                session.quit()
        finally:
            session.close()
        return refused

    def _remember(self, number: UUID, taken: frozenset[str]) -> None:
        self._partly_sent.pop(number, None)
        if taken:
            self._partly_sent[number] = taken
        while len(self._partly_sent) > _MOST_PARTLY_SENT:  # one that another process settled is never asked for again
            self._partly_sent.pop(next(iter(self._partly_sent)), None)

    def _session(self) -> smtplib.SMTP:
        conf, timeout = self._settings, self._settings.timeout_seconds
        if conf.security == "tls":
            session: smtplib.SMTP = smtplib.SMTP_SSL(conf.host, conf.port, timeout=timeout, context=self._tls)
        else:
            session = smtplib.SMTP(conf.host, conf.port, timeout=timeout)
        try:
            if conf.security == "starttls":
                session.starttls(context=self._tls)
            if conf.username is not None and conf.password is not None:
                session.login(conf.username, conf.password.get_secret_value())
        except BaseException:
            session.close()
            raise
        return session


def as_mail(message: Message, sender: str, recipients: tuple[str, ...]) -> EmailMessage:
    """The message as a mail in plain text."""
    mail = EmailMessage()
    severity = str(message.payload.get("severity") or "").upper()
    mail["Subject"] = f"[castro{f' {severity}' if severity else ''}] {message.summary}"[:_MOST_SUBJECT]
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    mail["Date"] = format_datetime(message.created_at)
    domain = sender.rpartition("@")[2]
    mail["Message-ID"] = f"<{message.id}@{domain}>"
    if message.series is not None:
        mail["References"] = f"<{message.series.replace(':', '.')}.castro-spark@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    lines = [message.summary, ""]
    lines += [f"{key}: {message.payload[key]}" for key in _SHOWN if message.payload.get(key) is not None]
    if message.payload.get("evidence"):
        lines += ["", json.dumps(message.payload["evidence"], indent=2, ensure_ascii=False)]
    lines += ["", f"cause: {message.cause}", f"id: {message.id}"]
    mail.set_content("\n".join(lines))
    return mail


def _each(refused: dict[str, Any]) -> str:
    return "; ".join(f"{recipient}: {code} {_text(words)}" for recipient, (code, words) in refused.items())


def _text(words: bytes | str) -> str:
    text = words.decode("utf-8", errors="replace") if isinstance(words, bytes) else words
    return " ".join(text.split())
