"""`castro-spark JOB [options]`, or `python -m castro_spark JOB [options]`: a job in this process.

./spark-submit.sh is the way to run jobs: it brings Spark's jars and settings. This is for machines with the wheel only,
where the environment brings them, and for jobs that need no Spark.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from castro_spark import __version__, cli
from castro_spark.resources import resource


def main() -> None:
    """Runs the job that the first argument names; exits with its exit status."""
    jobs = sorted(f.stem.replace("_", "-") for f in resource("jobs").glob("[a-z]*.py"))
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name == "--version":
        print(__version__)
        sys.exit(0)
    door = "python -m castro_spark" if Path(sys.argv[0]).name == "__main__.py" else "castro-spark"
    usage = f"Usage: {door} JOB [options]      (JOB --help tells the options)\nJobs: {', '.join(jobs)}"
    if name in {"-h", "--help"}:
        print(usage)
        sys.exit(0)
    if name not in jobs:
        print(*[f"{door}: there is no job '{name}'"] if name else [], usage, sep="\n", file=sys.stderr)
        sys.exit(2)
    del sys.argv[1]
    cli.run(importlib.import_module(f"castro_spark.jobs.{name.replace('-', '_')}").main, door)


if __name__ == "__main__":
    main()
