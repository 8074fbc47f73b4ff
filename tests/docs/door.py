"""`./spark-submit.sh` for a page's reader, run by the test's own process: on the one Spark that it has (tests/engine).

A JVM and its first query take ten seconds and more; a page has a dozen jobs. The reader's folder has a program of that name
that hands its arguments and variables over; bash, pipes and exit statuses are real.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

from tests import engine

_PROGRAM = f"""#!{sys.executable} -I
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as door:
    door.connect({{path!r}})
    door.sendall(json.dumps([sys.argv[1:], dict(os.environ)]).encode())
    door.shutdown(socket.SHUT_WR)
    status, out, err = json.load(door.makefile())
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(status)
"""
_POLL_SECONDS = 0.2


class Door:
    """Puts the program into `folder`; `serve` is to be called while it may be run, by the main thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = socket.socket(socket.AF_UNIX)
        path = folder / ".door"
        self._socket.bind(str(path))
        self._socket.listen()
        self._socket.settimeout(_POLL_SECONDS)
        program = folder / "spark-submit.sh"
        program.write_text(_PROGRAM.format(path=str(path)))
        program.chmod(0o700)

    def serve(self) -> None:
        """Waits a moment for somebody to knock; runs the job then."""
        try:
            asked, _ = self._socket.accept()
        except TimeoutError:
            return
        with asked:
            asked.settimeout(None)
            (name, *arguments), env = json.load(asked.makefile())
            here = Path.cwd()
            os.chdir(self._folder)
            try:
                answer = engine.run(name.replace("-", "_"), arguments, env)
            finally:
                os.chdir(here)
            asked.sendall(json.dumps(answer).encode())

    def close(self) -> None:
        self._socket.close()
