"""`castro-spark JOB [options]`, or `python -m castro_spark JOB [options]`: a job in this process.

./spark-submit.sh is the way to run jobs: it brings Spark's jars and settings. This is for machines with the wheel only,
where the environment brings them, and for jobs that need no Spark.
"""

from __future__ import annotations

import importlib
import sys

from castro_spark import __version__, cli
from castro_spark.resources import resource


def main() -> None:
    """Runs the job that the first argument names; exits with its exit status."""
    jobs = sorted(f.stem.replace("_", "-") for f in resource("jobs").glob("[a-z]*.py"))
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name == "--version":
        print(__version__)
        sys.exit(0)
    if name not in jobs:
        print("Usage: castro-spark JOB [options]      (JOB --help tells the options)", file=sys.stderr)
        print(f"Jobs: {', '.join(jobs)}", file=sys.stderr)
        sys.exit(0 if name in {"-h", "--help"} else 2)
    del sys.argv[1]
    cli.run(importlib.import_module(f"castro_spark.jobs.{name.replace('-', '_')}").main)


if __name__ == "__main__":
    main()
