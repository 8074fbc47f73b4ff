"""The loads: how many records of which shape. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

FULL, QUICK = 500_000, 50_000


class Kind(str, Enum):
    """How a load is measured. Texts, since the pacer gets its load as JSON."""

    DRAIN = "drain"
    KILLED = "killed"
    LIVE = "live"
    IDLE = "idle"


@dataclass(frozen=True)
class Load:
    """A backlog of `events` records over `products` and `days`, in four partitions unless it says otherwise.

    `corrections` and `rejects` are shares of the records. `skew`: 0 draws all products alike; the larger it is, the
    more of the movements are of few products. `per_second` > 0: the records come at that rate. `times`: it has so many
    times as many records as are asked for.
    """

    name: str
    title: str
    events: int
    products: int
    days: int
    corrections: float = 0.0
    rejects: float = 0.0
    skew: float = 0.0
    partitions: int = 4
    per_second: int = 0
    seed: int = 17
    kind: Kind = Kind.DRAIN
    times: int = 1

    def of(self, events: int) -> Load:
        """The same load with so many events, `times`; with as many a product and day, where it has more than a week."""
        days = max(7, round(self.days * events / self.events)) if self.days > 7 else self.days
        return replace(self, events=events * self.times, days=days)

    def lasting(self, seconds: int) -> Load:
        """The same rate for so long."""
        return replace(self, events=self.per_second * seconds)


# The first has about 260,000 product-days: one for every second event.
YEAR = Load("year", "spread over 300 days, 3,700 products", FULL, 3_700, 300, skew=0.84)
WEEK = Load("week", "backlog of seven days, 5,000 products", FULL, 5_000, 7)
MIXED = Load("mixed", "as week, 10 % corrections and 1 % rejects", FULL, 5_000, 7, corrections=0.10, rejects=0.01)
DRAINS = {load.name: load for load in (YEAR, WEEK, MIXED)}
LONG = replace(WEEK, name="long", title="as week, four times as many records", times=4)
# As week, for the number of partitions.
PARTITIONED = {
    f"week-{n}p": replace(WEEK, name=f"week-{n}p", title=f"as week, {n} partition{'s' * (n > 1)}", partitions=n)
    for n in (1, 12)
}
KILLED = replace(MIXED, name="killed", title="as mixed, killed after a tenth and started again", kind=Kind.KILLED)


def _live(per_second: int) -> Load:
    title = f"live, {per_second:,} events/s over three streams"
    return Load(f"live-{per_second}", title, per_second * 60, 5_000, 1, per_second=per_second, kind=Kind.LIVE)


LIVE = {load.name: load for load in map(_live, (200, 1_000, 2_000, 5_000))}
# A few seconds of work, and then nothing.
IDLE = replace(_live(200), name="idle", title="three idle streams, after 1,000 records", events=1_000, kind=Kind.IDLE)

# Of a live load: the stream's share of the records, and how many of inventory's events are a probe: the only one of its
# product, so that the moment at which Redis has the product is that of the event.
SHARES = {"inventory": 0.60, "sales": 0.25, "procurement": 0.15}
PROBE_EVERY = 50
