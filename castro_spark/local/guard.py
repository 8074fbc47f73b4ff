"""Stops a stack's servers when the process that started them has ended, in any way (kill -9 included).

A separate process watches the owner. Linux's parent-death signal is unsuitable: it fires when the *thread* that started
the server ends, for example a timer thread of a test that restarts a server.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from castro_spark.local.process import module_path, start_mark
from castro_spark.local.server import Server, server_process


class Guard:
    """The owner's side: starts the watching process, and dismisses it after an orderly `down`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._watchers: list[subprocess.Popen[bytes]] = []

    def watch(self, names: Sequence[str]) -> None:
        """From now on these servers of the folder are stopped when this process ends."""
        # The pipe signals our end at once. The pid is checked too, in case a forked child keeps the pipe open.
        owner = [str(os.getpid()), str(start_mark(os.getpid()))]
        self._watchers.append(
            subprocess.Popen(
                [sys.executable, "-m", "castro_spark.local.guard", str(self._folder), *owner, *names],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True, cwd=self._folder, env={**os.environ, "PYTHONPATH": module_path()},
            )
        )  # fmt: skip

    def dismiss_newest(self) -> None:
        """Cancels the last `watch`; earlier ones stay active, for the servers that still run."""
        self._dismiss(self._watchers.pop())

    def dismiss(self) -> None:
        """Cancels every `watch`: the servers are stopped already, or are to keep running."""
        while self._watchers:
            self._dismiss(self._watchers.pop())

    @staticmethod
    def _dismiss(watcher: subprocess.Popen[bytes]) -> None:
        watcher.kill()  # before its pipe closes, which would trigger it
        watcher.wait()
        if watcher.stdin:
            watcher.stdin.close()


@contextmanager
def serving(server: Server) -> Iterator[None]:
    """Starts a server; it is stopped with the block, or with this process, even if that is killed."""
    server.folder.parent.mkdir(parents=True, exist_ok=True)
    guard = Guard(server.folder.parent)
    guard.watch([server.name])
    try:
        server.start()
        yield
    finally:
        server.stop()
        guard.dismiss()


def main(folder: Path, owner: int, owner_mark: str, names: Sequence[str]) -> None:
    """Waits until the owner has ended, then stops its servers: by pid file, so restarted servers too."""
    while start_mark(owner) == owner_mark:
        if select.select([sys.stdin], [], [], 1.0)[0]:
            break
    servers = [server_process(name, folder / name) for name in names]
    for server in servers:
        if (pid := server.pid()) is not None:
            # PostgreSQL's fast stop is SIGINT; the others take SIGTERM. All at once, then wait for each.
            os.kill(pid, signal.SIGINT if server.name == "postgres" else signal.SIGTERM)
    for server in servers:
        server.stop(signal.SIGTERM, seconds=10)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
