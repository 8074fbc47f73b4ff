"""How long a page takes on a large database: the first view of a page that was just started, then further ones.

    ./benchmarks/run.sh page                 fills a folder (some minutes; that of `quality` serves), then measures
    ./benchmarks/run.sh page --measure       measures what is there

PostgreSQL is restarted before the first view, so that its own cache is empty. Needs no Kafka and no JVM.
"""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.quality import fill
from castro_spark.local import Stack
from castro_spark.page.page import Page
from castro_spark.page.pages import routes
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.schema.migrate import migrate
from castro_spark.streams import all_streams

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 9


def measure(stack: Stack, products: int) -> None:
    """Each page of the menu, and one product's; in the order of the menu, so that the first view is At a glance."""
    settings = load_settings(environ=stack.env())
    with closing(connect(settings.postgres, "benchmark", long=True)) as connection:
        migrate(connection, list(all_streams().values()))
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE relname = 'ml_inventory_realtime'")
            print("events: {:,}".format(*cursor.fetchone()))
    stack.postgres.stop()
    stack.postgres.start()
    environ = {**os.environ, **stack.env(), "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    command = [sys.executable, str(ROOT / "jobs" / "dashboard.py"), "--port", "0"]
    page = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
    try:
        assert page.stdout is not None
        url = page.stdout.readline().split()[-1]
        view(url, "/alive")
        print(f"up in {time.perf_counter() - began:.1f} s")
        print("| page | first ms | median ms | slowest ms |\n|---|---|---|---|")
        for path in paths(products):
            times = [view(url, path) for _ in range(REPEATS)]
            print(f"| {path} | {times[0]:.0f} | {statistics.median(times[1:]):.0f} | {max(times[1:]):.0f} |")
        peak = next(line for line in Path(f"/proc/{page.pid}/status").read_text().splitlines() if "VmHWM" in line)
        print(f"peak memory {int(peak.split()[1]) >> 10} MB")
    finally:
        page.send_signal(signal.SIGTERM)
        page.wait(30)


def paths(products: int) -> list[str]:
    """The pages of the menu, and a product's."""
    menu = [page.path for page in routes() if isinstance(page, Page) and page.group is not None]
    return [*menu, f"/product?code=P{products // 2}"]


def view(url: str, path: str) -> float:
    """The milliseconds until a page is there."""
    where = urlsplit(url)
    began = time.perf_counter()
    with closing(http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)) as connection:
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        response = connection.getresponse()
        response.read()
    assert response.status < 400, (path, response.status)
    return (time.perf_counter() - began) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--products", type=int, default=5_000)
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()) / "castro-quality")
    parser.add_argument("--measure", action="store_true", help="Generate nothing.")
    options = parser.parse_args()
    external = {"CASTRO_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    with Stack(options.dir, external=external, die_with_parent=True) as stack:
        if not options.measure:
            fill(load_settings(environ=stack.env()), options.rows, options.products)
        measure(stack, options.products)


if __name__ == "__main__":
    main()
