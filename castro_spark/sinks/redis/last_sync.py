"""last_sync:{table}: how far each warehouse table has been extracted, mirrored from what PostgreSQL committed.

Guarantee: a value of an older commit never overwrites that of a newer one, and what a crash or a flush left undone is
made good by the next extract, which writes what is committed whether or not it read anything.
"""

from __future__ import annotations

from datetime import datetime, timezone

from castro_spark.servers import RedisSettings
from castro_spark.sinks.redis.hashes import client
from castro_spark.sinks.redis.keys import last_sync_key, marker_key, version

# KEYS: the value and its version; ARGV: the same. One step, no TTL.
_WRITE = """
local held = redis.call('GET', KEYS[2])
if not held or held <= ARGV[2] or redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('SET', KEYS[1], ARGV[1])
  redis.call('SET', KEYS[2], ARGV[2])
end
"""


def write_last_sync(settings: RedisSettings, target: str, watermark: datetime, revision: int) -> None:
    """Mirrors the watermark of commit `revision`. Redis being away is an error of the caller's choosing to bear."""
    redis = client(settings)
    try:
        text = watermark.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        keys = [last_sync_key(target), marker_key(f"last_sync:{target}")]
        redis.register_script(_WRITE)(keys=keys, args=[text, version(0, revision)])
    finally:
        redis.close()
