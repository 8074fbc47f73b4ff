"""False alarms and missed faults of the quality checks on a month of real movements.

    ./benchmarks/run.sh quality_month --data FOLDER/2010-12.csv.gz

Takes the month day by day, shifted to end yesterday: each day's movements are committed, then every check runs twice as
on that day, and incidents follow as in production. Then, from a copy of the month up to one of its last days, for each
fault and for several at once: planted on that day, each must raise its incidents once, on the stream, be told once, and
be resolved after the passes that the settings ask for, once mended. The faults, and what each must raise, are in
tests/month; tests/integration/quality/test_month.py uses them on a generated month. Needs no Kafka: the topic is in
memory.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

from castro_spark.local import Stack
from tests.builders import retail_events
from tests.month.faults import AT_ONCE, FAULTS, Fault
from tests.month.plant import plant
from tests.month.replay import Day, Month, replay
from tests.system import System

_RUNS = 2  # of the checks on each day
_COUNTS = "SELECT count(DISTINCT run), count(*) FILTER (WHERE outcome = 'pass') FROM castro.quality_result"


def planted_on(days: list[date]) -> int:
    """The number of the last day that the next day follows at once and two others follow."""
    return max(n for n in range(len(days) - 2) if days[n + 1] - days[n] == timedelta(1))


def real_days() -> dict[date, Day]:
    days: dict[date, Day] = {}
    for event in retail_events():
        days.setdefault(datetime.fromisoformat(event["data_movimentacao"]).date(), []).append(event)
    return days


def judge(stack: Stack, folder: Path, days: dict[date, Day], cases: dict[str, tuple[Fault, ...]]) -> list[str]:
    """Runs the clean month and the cases; prints what was not a pass, and returns what is not as it must be."""
    (folder / "month").mkdir()
    system = System(stack, folder / "month")
    system.migrate(topics=False)
    month = Month(system, days, {})
    dates = list(days)
    at = planted_on(dates)
    total = sum(map(len, days.values()))
    print(f"{total:,} movements of {len(days)} days; faults on day {at + 1} ({dates[at]:%a})", flush=True)
    replay(month, dates[:at], runs=_RUNS)
    month.close()
    problems = []
    for number, (name, faults) in enumerate(cases.items()):
        (folder / str(number)).mkdir()
        with month.copy(stack, folder / str(number)) as case:
            if faults:
                problems += [f"{name}: {found}" for found in plant(case, faults, dates[at:], volume=False)]
            else:
                replay(case, dates[at:], runs=_RUNS)
                problems += [f"clean: {words}" for words in month.seen + case.seen]
                problems += [f"clean: {row}" for row in case.incidents()]
            print(name, *dict.fromkeys(case.seen), sep="\n    ")
            print("    notifications: " + json.dumps({f"{of} of {s}": sent for (of, s), sent in case.told().items()}))
            ((runs, passed),) = case.system.query(_COUNTS)
            print(f"    {runs} runs of the checks since the month began, {passed} results pass", flush=True)
    return problems


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--clean", action="store_true", help="Plant no faults.")
    options = parser.parse_args()
    os.environ["CASTRO_RETAIL_DATA"] = str(options.data)
    cases: dict[str, tuple[Fault, ...]] = {"clean": ()}
    if not options.clean:
        cases |= {fault.name: (fault,) for fault in FAULTS} | {"all at once": AT_ONCE}
    kafka = {"CASTRO_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}  # never asked
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as servers,
        Stack(Path(servers), external=kafka, die_with_parent=True) as stack,
    ):
        problems = judge(stack, Path(folder), real_days(), cases)
    raised_all = "" if options.clean else "; every fault raised its incidents once, and each was resolved"
    print("\n".join(problems) or f"no false alarm{raised_all}")
    raise SystemExit(bool(problems))


if __name__ == "__main__":
    main()
