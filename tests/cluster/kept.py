"""What the nodes and Spark's event log keep of a run: there a test looks for secrets."""

from __future__ import annotations

from pathlib import Path

from tests.cluster.hadoop import Hadoop
from tests.system import System


class Kept:
    """Of the system's jobs from now on. They write an event log, in which all is that Spark's pages show."""

    def __init__(self, hadoop: Hadoop, system: System) -> None:
        self._hadoop = hadoop
        self._before = set(hadoop.local_files())
        self._events = hadoop.folder / f"events-{system.database}"
        self._events.mkdir()
        self._events.chmod(0o777)  # the driver may be another user than ours
        settings = {"enabled": "true", "compress": "false", "dir": f"file:{self._events}"}
        system.env["CASTRO_SPARK_SUBMIT_ARGS"] += "".join(f" --conf spark.eventLog.{k}={v}" for k, v in settings.items())

    def contents(self) -> dict[Path, bytes]:
        """The containers' files (launch scripts with environment and arguments, settings, logs), and the event log."""
        events = [path for path in self._events.rglob("*") if path.is_file()]
        nodes = [path for path in self._hadoop.local_files() if path not in self._before]
        found = {path: path.read_bytes() for path in (*events, *nodes)}
        # What must not tell a secret is among them, and can be read.
        for told in (b"SparkListenerEnvironmentUpdate", b"export PYTHONPATH="):
            assert any(told in content for content in found.values()), told
        return found
