"""The web page on the embedded servers of a folder (`dashboard`), started and stopped with them."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError

from castro_spark.local.process import free_port, module_path, port_is_free, write_private
from castro_spark.local.server import Server

_PORT = 8480  # as `dashboard` has it; another one if that is taken
_ALIVE = "/alive"


class LocalPage(Server):
    """Shows what the servers of `stack_folder` hold; `env` names these (Stack.env)."""

    name = "page"
    ready_seconds = 30
    stop_seconds = 10

    def __init__(self, stack_folder: Path, env: Mapping[str, str]) -> None:
        folder = stack_folder / self.name
        super().__init__(folder, _port(folder / "port"))
        self._env = env

    @property
    def url(self) -> str:
        """Its address, for a browser on this machine."""
        return f"http://127.0.0.1:{self.port}/"

    def prepare(self) -> None:
        write_private(self.folder / "port", str(self.port))

    def command(self) -> list[str]:
        return [sys.executable, "-m", "castro_spark", "dashboard", "--address", "127.0.0.1", "--port", str(self.port)]

    def process_env(self) -> dict[str, str]:
        return {**self._env, "PYTHONPATH": module_path()}

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{_ALIVE}", timeout=2) as answer:
                return bool(answer.status == 200)  # noqa: PLR2004
        except (URLError, OSError):
            return False

    def env(self) -> dict[str, str]:
        return {}


def _port(kept: Path) -> int:
    if kept.exists():
        return int(kept.read_text(encoding="utf-8"))
    return _PORT if port_is_free(_PORT) else free_port()
