"""The faults: what breaks, which checks must raise an incident, and how it is mended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.month.replay import Day, Month


def _unchanged(events: Day) -> Day:
    return events


@dataclass(frozen=True)
class Fault:
    """What breaks on a day. `raises`: the checks that must have an incident.

    `alter` changes the day's events; `before` and `after` they are taken something else breaks; the last part of them may
    be `held_back`, in the topic but not committed. `mend` is what an operator does then. `resent`: the source sends the
    events as they should have been, with the same ids. `wears_off`: nobody mends it, it is over once the day is no longer
    judged; `raises_later`: the checks of whole days that find it when the day is over.
    """

    name: str
    raises: frozenset[str]
    alter: Callable[[Day], Day] = _unchanged
    before: Callable[[Month], None] = lambda _: None
    after: Callable[[Month, date], None] = lambda *_: None
    mend: Callable[[Month], None] = lambda _: None
    held_back: float = 0
    resent: bool = False
    wears_off: bool = False
    raises_later: frozenset[str] = frozenset()


def _repeated(events: Day) -> Day:
    """Each event three times, one after the other: of a part of the day, as much is repeated as well.

    Twice would be a day's volume that some weekdays of some random months come near to.
    """
    return [{**e, "id_evento": prefix + e["id_evento"]} for e in events for prefix in ("", "again-", "once-more-")]


def _without(name: str, one_in: int, of: int) -> Callable[[Day], Day]:
    """Without a field in some of the events; the same ones whenever."""

    def alter(events: Day) -> Day:
        return [{k: v for k, v in e.items() if k != name or n % of >= one_in} for n, e in enumerate(events)]

    return alter


def _price_times_ten(events: Day) -> Day:
    return [{**e, "custo_unitario": str(Decimal(e["custo_unitario"]) * 10)} for e in events]


def _discard(month: Month) -> None:
    """The rejects will be sent again; those in quarantine are discarded, and their hour passes."""
    month.system.query("UPDATE castro.quarantine SET status = 'discarded', resolved_at = now()")
    month.an_hour_passes()


def _stop_archive(month: Month) -> None:
    month.archiving = False
    month.archive("the disk is full")


def _corrupt(month: Month, day: date) -> None:
    ((product,),) = month.system.query("SELECT min(product_code) FROM ml_inventory_daily WHERE date = %(day)s", {"day": day})
    key = f"agg:daily:{product}:{day}"
    assert month.system.redis.exists(key), key
    month.system.redis.hincrbyfloat(key, "volume", 1)


STUCK = Fault("a stuck topic", frozenset({"freshness"}), held_back=1 / 3)
REPEATED = Fault("a repeated day", frozenset({"duplicates"}), _repeated, wears_off=True, raises_later=frozenset({"volume"}))
NULLS = Fault("nulls", frozenset({"null_rates"}), _without("cliente", 95, 100), resent=True)
PRICES = Fault("prices times ten", frozenset({"drift"}), _price_times_ten, resent=True)
VANISHED = Fault("an optional field that vanishes", frozenset({"schema", "null_rates"}), _without("cliente", 1, 1), resent=True)
REQUIRED = Fault(
    "a required field that vanishes from every third record", frozenset({"schema", "quarantine_share"}),
    _without("deposito", 1, 3), mend=_discard, resent=True,
)  # fmt: skip
ARCHIVE = Fault("a stopped archive", frozenset({"archive_lag"}), before=_stop_archive, mend=Month.restart_archive)
REDIS = Fault("a wrong Redis hash", frozenset({"redis_sample"}), after=_corrupt, mend=lambda month: month.checked.rebuild())
FAULTS = (STUCK, REPEATED, NULLS, PRICES, VANISHED, REQUIRED, ARCHIVE, REDIS)
# A field cannot vanish and have nulls too.
AT_ONCE = (NULLS, PRICES, REQUIRED, REPEATED, STUCK, ARCHIVE, REDIS)
