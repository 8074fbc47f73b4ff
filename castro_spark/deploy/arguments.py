"""The arguments of spark-submit on YARN: the archives and jars for its containers, and how often a job is attempted.

`python -m castro_spark.deploy.arguments JOB [OPTION]...` prints them for spark-submit.sh, one a line.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from castro_spark.deploy.artefact import build, default_folder
from castro_spark.deploy.stage import staged
from castro_spark.errors import CastroError

CODE, DEPENDENCIES = "castro_code", "castro_dependencies"  # folders in each container's working directory
CONF = f"{CODE}/castro_spark/conf"
_PYTHONPATH = f"{CODE}:{DEPENDENCIES}"
# A lost node is to cost a job that runs for months a restart, and no more; one that fails at once is to end.
_CONTINUOUS = {"spark.yarn.maxAppAttempts": "4", "spark.yarn.am.attemptFailuresValidityInterval": "1h"}


def attempts(job: str, options: Sequence[str]) -> dict[str, str]:
    """A continuous stream, or extract's loop, is attempted again, unless it fails often; other jobs once
    (conf/spark-cluster.conf)."""
    streams = job == "stream" and "--available-now" not in options
    loops = job == "extract" and any(option.partition("=")[0] == "--every" for option in options)
    return dict(_CONTINUOUS) if (streams or loops) and "--help" not in options else {}


def arguments(job: str, options: Sequence[str]) -> list[str]:
    """The arguments for a job with these options of its own.

    What is staged is named where it is; the rest is uploaded at each start.
    """
    folder = default_folder()
    artefacts = build(folder, lambda words: print(f"castro: {words}", file=sys.stderr))
    there = staged(folder)
    places = {path: there.get(path.name, str(path)) for path in artefacts.files}
    archives = [f"{places[artefacts.code]}#{CODE}", f"{places[artefacts.dependencies]}#{DEPENDENCIES}"]
    settings = {
        "spark.executorEnv.PYTHONPATH": _PYTHONPATH,
        "spark.yarn.appMasterEnv.PYTHONPATH": _PYTHONPATH,
        **attempts(job, options),
    }
    if spark_jars := [uri for name, uri in there.items() if name.startswith("spark-jars-")]:
        settings["spark.yarn.archive"] = spark_jars[0]
    return [
        "--archives", ",".join(archives), "--jars", ",".join(places[jar] for jar in artefacts.jars),
        *(word for name, value in settings.items() for word in ("--conf", f"{name}={value}")),
    ]  # fmt: skip


if __name__ == "__main__":
    try:
        print(*arguments(sys.argv[1], sys.argv[2:]), sep="\n")
    except CastroError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
