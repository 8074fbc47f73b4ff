"""Runs contestants in rotation on the same topics, compares each end state with the reference, and prints tables.

    ./benchmarks/run.sh peers [--quick] [--load NAME ...] [--contestant NAME ...] [--rounds N] [--events N]

--quick: fewer loads, 50,000 events, 15 seconds live, one round. What was measured is written to --out as JSON; with
--docs (of that file, if --from names one) the tables and pictures of docs/performance.md are made anew.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psutil

from benchmarks.peers.contestants import CONTESTANTS
from benchmarks.peers.loads import DRAINS, FULL, IDLE, KILLED, LIVE, LONG, PARTITIONED, QUICK, Kind, Load
from benchmarks.peers.reporting.pages import write_page
from benchmarks.peers.reporting.report import markdown
from benchmarks.peers.rounds import Arena
from benchmarks.run import machine
from castro_spark.local import Stack

_LOADS = {**DRAINS, LONG.name: LONG, **PARTITIONED, KILLED.name: KILLED, **LIVE, IDLE.name: IDLE}
_SECONDS, _WARM_UP = 45, 20
_QUICK_SECONDS, _QUICK_WARM_UP = 15, 10
_QUICK_LOADS = (*DRAINS, "live-1000")


def measured(given: argparse.Namespace) -> dict[str, Any]:
    """Runs what is asked for; after each run the file has it."""
    rounds = given.rounds or (1 if given.quick else 3)
    seconds = given.seconds or (_QUICK_SECONDS if given.quick else _SECONDS)
    warm_up = given.warm_up or (_QUICK_WARM_UP if given.quick else _WARM_UP)
    names = given.load or (_QUICK_LOADS if given.quick else list(_LOADS))
    events = given.events or (QUICK if given.quick else FULL)
    loads = [_of(_LOADS[name], warm_up + seconds, events) for name in names]
    contestants = [CONTESTANTS[name] for name in given.contestant]
    at = datetime.now(timezone.utc).isoformat(timespec="minutes")
    runs = json.loads(given.out.read_text())["runs"] if given.add else []
    found = {"machine": {**machine(), "at": at, "gib": round(psutil.virtual_memory().total / (1 << 30))}, "runs": runs}
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        with Stack(folder / "stack", die_with_parent=True) as stack:
            for run in Arena(stack, folder, warm_up).rounds(loads, contestants, rounds, 60 * given.minutes):
                runs.append(run)
                given.out.write_text(json.dumps(found, indent=1) + "\n")
    return found


def _of(load: Load, seconds: int, events: int) -> Load:
    """A live load for so long, a backlog of so many events."""
    if load.kind is Kind.LIVE:
        return load.lasting(seconds)
    return load if load.per_second else load.of(events)


def main() -> None:
    arguments = argparse.ArgumentParser(
        prog="./benchmarks/run.sh peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--load", nargs="+", choices=list(_LOADS), metavar="NAME", help=", ".join(_LOADS))
    arguments.add_argument(
        "--contestant", nargs="+", choices=list(CONTESTANTS), default=list(CONTESTANTS), metavar="NAME",
        help=", ".join(CONTESTANTS),
    )  # fmt: skip
    for name in ("rounds", "events"):
        arguments.add_argument(f"--{name}", type=int)
    arguments.add_argument("--seconds", type=int, help="of a live load, measured")
    arguments.add_argument("--warm-up", type=int, help="seconds of a live load before that")
    arguments.add_argument("--minutes", type=float, default=float("inf"), help="begin no run after so many")
    arguments.add_argument("--out", type=Path, default=Path("peers.json"))
    arguments.add_argument("--add", action="store_true", help="to the runs that --out has from before")
    arguments.add_argument("--from", dest="earlier", type=Path, help="measure nothing: report this file")
    arguments.add_argument("--docs", action="store_true")
    arguments.add_argument("--folder", type=Path, help="keep servers' and contestants' files here, with their logs")
    given = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the contestant that runs is ended too
    found = json.loads(given.earlier.read_text()) if given.earlier else measured(given)
    print(markdown(found["runs"]))
    if given.docs:
        write_page(found)


if __name__ == "__main__":
    main()
