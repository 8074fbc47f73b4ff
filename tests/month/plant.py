"""Plants faults on a day of a month, mends them, and says what is not as it must be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tests.consumer import Record
from tests.month.faults import REQUIRED, Fault
from tests.month.replay import CHANNELS, PASSES, Day, Month

_NONE = frozenset[str]()


def plant(month: Month, faults: Sequence[Fault], days: Sequence[date], *, volume: bool) -> list[str]:
    """Plants the faults on the first of the days, and goes on until all of them are over; returns the problems.

    An incident of each check must be opened by the first run, stay the only one, have one pass after the first run that
    passes and be resolved by the one after; and each channel must be told when it is opened and when it is resolved.
    `volume`: the month is long enough for that check to judge.
    """
    day, problems = days[0], []
    raised = _NONE.union(*(fault.raises for fault in faults))
    lasting = _NONE.union(*(fault.raises for fault in faults if fault.wears_off))
    later = _NONE.union(*(fault.raises_later for fault in faults if volume))

    def expect(when: str, failing: frozenset[str] = _NONE, passing: frozenset[str] = _NONE, over: frozenset[str] = _NONE) -> None:
        states = dict.fromkeys(failing, (False, 0)) | dict.fromkeys(passing, (False, 1)) | dict.fromkeys(over, (True, PASSES))
        wanted = [(check, "inventory", *states[check]) for check in sorted(states)]
        if (found := month.incidents()) != wanted:
            problems.append(f"{when}: incidents (check, subject, over, passes) {found}, not {wanted}")

    waiting = _break(month, faults, day)
    for run in range(2):
        month.check(day)
        expect(f"planted, run {run}", failing=raised)
    _mend(month, faults, day, waiting)
    mended = raised - lasting
    month.check(day)
    expect("mended, the first run", failing=lasting, passing=mended)
    month.check(day)
    expect("mended, the second run", failing=lasting, over=mended)
    if lasting:
        month.take(days[1])
        month.check(days[1])
        expect("the day after", failing=lasting | later, over=mended)
        month.take(days[2])
        month.check(days[2])
        expect("two days after", passing=lasting | later, over=mended)
        month.check(days[2])
    expect("at the end", over=raised | later)
    wanted = [(channel, event) for channel in sorted(CHANNELS) for event in ("opened", "resolved")]
    if (told := month.told()) != {(check, "inventory"): wanted for check in sorted(raised | later)}:
        problems.append(f"notifications (channel, event): {told}")
    return problems


def _break(month: Month, faults: Sequence[Fault], day: date) -> list[Record]:
    """Takes the day with the faults; returns the records that are not committed."""
    if REQUIRED in faults:
        month.an_hour_passes()  # so that the rejects are judged among the records of their own day
    events = month.days[day]
    for fault in faults:
        events = fault.alter(events)
        fault.before(month)
    waiting = month.take(day, events, held_back=max(fault.held_back for fault in faults))
    for fault in faults:
        fault.after(month, day)
    return waiting


def _mend(month: Month, faults: Sequence[Fault], day: date, waiting: list[Record]) -> None:
    if waiting:
        month.checked.commit(waiting)
    for fault in faults:
        fault.mend(month)
    if any(fault.resent for fault in faults):
        month.take(day, _as_they_should_be(month.days[day], faults))


def _as_they_should_be(events: Day, faults: Sequence[Fault]) -> Day:
    """But for what nobody mends."""
    for fault in faults:
        events = fault.alter(events) if fault.wears_off else events
    return events
