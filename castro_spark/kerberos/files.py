"""Reads keytabs and ticket caches (MIT's formats): whose keys and tickets are in them. Pure; no key leaves this module.

Formats: https://web.mit.edu/kerberos/krb5-latest/doc/formats/ (keytab version 0x0502, ccache version 0x0504).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

_KEYTAB, _CACHE = b"\x05\x02", b"\x05\x04"
_CLOCK_OFFSET = 1  # tag of a cache's header: how far the KDC's clock is ahead
_TICKET_GRANTING = "krbtgt/"


@dataclass(frozen=True)
class Ticket:
    """A service's ticket and its end."""

    service: str
    ends: datetime


@dataclass(frozen=True)
class TicketCache:
    """Whose tickets, which, and by how many seconds the KDC's clock was ahead of this machine's."""

    principal: str
    tickets: tuple[Ticket, ...]
    clock_offset: int = 0

    @property
    def ends(self) -> datetime | None:
        """The end of the newest ticket-granting ticket; None if there is none."""
        return max((t.ends for t in self.tickets if t.service.startswith(_TICKET_GRANTING)), default=None)


def keytab_principals(data: bytes) -> list[str]:
    """The principals of a keytab's keys, each once. Raises ValueError if it is no keytab."""
    if data[:2] != _KEYTAB:
        raise ValueError("is no keytab")
    found: dict[str, None] = {}
    place = 2
    while place + 4 <= len(data):
        (size,) = struct.unpack_from(">i", data, place)
        place += 4
        if size > 0:
            found[_keytab_principal(_Reader(data[place : place + size]))] = None
        elif size == 0:
            break
        place += abs(size)  # negative: an erased entry
    return list(found)


def ticket_cache(data: bytes) -> TicketCache:
    """A ticket cache's content. Raises ValueError if it is none."""
    if data[:2] != _CACHE:
        raise ValueError("is no ticket cache of this format (FILE, version 4)")
    reader = _Reader(data[2:])
    header, offset = _Reader(reader.bytes(reader.int16())), 0
    while not header.ended:
        tag, value = header.int16(), header.bytes(header.int16())
        if tag == _CLOCK_OFFSET:
            (offset,) = struct.unpack_from(">i", value)
    principal = _cache_principal(reader)
    tickets = tuple(ticket for ticket in _tickets(reader) if not ticket.service.startswith("krb5_ccache_conf_data/"))
    return TicketCache(principal, tickets, offset)


class _Reader:
    """Reads big-endian numbers and counted bytes in order."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, 0

    @property
    def ended(self) -> bool:
        return self._place >= len(self._data)

    def bytes(self, size: int) -> bytes:
        part = self._data[self._place : self._place + size]
        if len(part) < size:
            raise ValueError("is cut off")
        self._place += size
        return part

    def int16(self) -> int:
        return int.from_bytes(self.bytes(2), "big")

    def int32(self) -> int:
        return int.from_bytes(self.bytes(4), "big")

    def counted16(self) -> str:
        return self.bytes(self.int16()).decode("utf-8", "replace")

    def counted32(self) -> str:
        return self.bytes(self.int32()).decode("utf-8", "replace")


def _keytab_principal(entry: _Reader) -> str:
    components = entry.int16()
    realm = entry.counted16()
    return "/".join(entry.counted16() for _ in range(components)) + f"@{realm}"


def _cache_principal(reader: _Reader) -> str:
    reader.int32()  # the name's type
    components = reader.int32()
    realm = reader.counted32()
    return "/".join(reader.counted32() for _ in range(components)) + f"@{realm}"


def _tickets(reader: _Reader) -> Iterator[Ticket]:
    while not reader.ended:
        _cache_principal(reader)  # the client
        service = _cache_principal(reader)
        reader.int16()  # the session key: its type, and the key itself
        reader.bytes(reader.int32())
        _, _, end, _ = (reader.int32() for _ in range(4))  # authenticated, begins, ends, renewable until
        reader.bytes(1 + 4)  # whether it is for a user's service; flags
        for _ in range(2):  # addresses, then authorization data
            for _ in range(reader.int32()):
                reader.int16()
                reader.bytes(reader.int32())
        for _ in range(2):  # the ticket, and a second one
            reader.bytes(reader.int32())
        yield Ticket(service, datetime.fromtimestamp(end, timezone.utc))
