"""False alarms and missed faults of the quality checks on a month of real movements.

    ./benchmarks/run.sh quality_month --data FOLDER/2010-12.csv.gz

Takes the month day by day, shifted to end yesterday: each day's movements are committed, then every check runs as on
that day, and incidents follow as in production. Then again for each fault, planted on one day: it must raise an
incident of its own, on the stream, and be resolved once the fault is over. Needs no Kafka: the topic is in memory.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from castro_spark.incidents.of_checks import note_checks
from castro_spark.local import Stack
from castro_spark.quality.result import Outcome
from castro_spark.quality.run import run_checks
from castro_spark.streams import stream
from tests.builders import retail_events
from tests.checked import Checked
from tests.system import System

Day = list[dict[str, Any]]
INVENTORY = stream("inventory")
PLANTED = 14  # the number of the day with the fault, of the month's 20
MENDED = """
UPDATE castro.quarantine SET status = 'discarded', resolved_at = now();
UPDATE castro.batch_books SET committed_at = committed_at - interval '1 day'
"""
INCIDENTS = """
SELECT check_name, subject, ended_at IS NOT NULL FROM castro.incident ORDER BY id
"""


def doubled(events: Day) -> Day:
    return events + [{**e, "id_evento": f"again-{e['id_evento']}"} for e in events]


def without_customer(events: Day) -> Day:
    return [{name: value for name, value in e.items() if name != "cliente"} for e in events]


def without_warehouse(events: Day) -> Day:
    return [{name: value for name, value in e.items() if name != "deposito"} for e in events]


def price_times_ten(events: Day) -> Day:
    return [{**e, "custo_unitario": str(Decimal(e["custo_unitario"]) * 10)} for e in events]


FAULTS: dict[str, tuple[Callable[[Day], Day], set[str]]] = {
    "a doubled day": (doubled, {"duplicates"}),
    "a field that vanishes: cliente": (without_customer, {"schema", "null_rates"}),
    "a field that vanishes: deposito (required)": (without_warehouse, {"schema", "quarantine_share"}),
    "prices times ten": (price_times_ten, {"drift"}),
}


def month(stack: Stack, days: dict[date, Day], fault: Callable[[Day], Day] | None) -> list[tuple[Any, ...]]:
    """Runs the month; returns the incidents, and prints what was not a pass."""
    with tempfile.TemporaryDirectory() as folder:
        system = System(stack, Path(folder))
        try:
            system.migrate(topics=False)
            # Nothing refreshes the view here. Volume needs more than one month before it judges a day.
            system.configure({"quality": {"product_360_lag": {"enabled": False}}})
            with closing(Checked(system)) as checked:
                note = note_checks(checked.settings)
                outcomes: Counter[str] = Counter()
                for number, (day, events) in enumerate(days.items()):
                    checked.take(fault(events) if fault and number == PLANTED else events)
                    for again in range(2):
                        results = run_checks(checked.settings, [INVENTORY], checked.topic, day=day, note=note)
                        outcomes.update(r.outcome.value for r in results)
                        wrong = [r for r in results if r.outcome not in (Outcome.PASS, Outcome.NO_DATA)]
                        for r in wrong if not again else ():
                            print(f"    day {number} ({day:%a}): {r.outcome.value} {r.check} {r.subject}: {r.words}")
                    if fault and number == PLANTED and fault is without_warehouse:
                        # The records that were rejected are sent again, mended, and the rejects are discarded.
                        checked.take(events)
                        system.query(MENDED)
                print(f"    results: {dict(outcomes)}")
                return system.query(INCIDENTS)
        finally:
            system.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--clean", action="store_true", help="Plant no faults.")
    options = parser.parse_args()
    os.environ["CASTRO_RETAIL_DATA"] = str(options.data)
    days: dict[date, Day] = {}
    for event in retail_events():
        days.setdefault(datetime.fromisoformat(event["data_movimentacao"]).date(), []).append(event)
    kafka = {"CASTRO_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}  # never asked
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder), external=kafka, die_with_parent=True) as stack,
    ):
        print(f"clean: {sum(map(len, days.values())):,} movements of {len(days)} days")
        failures = [f"clean: {row}" for row in month(stack, days, None)]
        for name, (fault, checks) in FAULTS.items():
            if options.clean:
                break
            print(name)
            found = month(stack, days, fault)
            print("    incidents: " + json.dumps([list(row) for row in found]))
            raised = {check for check, *_ in found}
            if not raised & checks or any(not ended for *_, ended in found):
                failures.append(f"{name}: {found}")
    raised_all = "" if options.clean else "; every fault raised its incident, and every incident was resolved"
    print("\n".join(failures) or f"no false alarm{raised_all}")
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()
