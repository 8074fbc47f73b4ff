"""What `status` says of Redis: of the 360° view there, and of a stream's hashes."""

from __future__ import annotations

from typing import Any

import pytest

from castro_spark.observe.status.blocks.product_360 import PRODUCT_360
from castro_spark.observe.status.blocks.stream_text import projection_text


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"reachable": True, "revision": 7, "up_to_date": True}, "up to date"),
        ({"reachable": True, "revision": None, "up_to_date": False}, "BEHIND: at revision none"),
        ({"reachable": False, "error": "Redis at h:1: Connection refused"}, "NOT REACHABLE: Redis at h:1: Connection refused"),
    ],
)  # fmt: skip
def test_the_view_in_redis_is_behind_or_not_reachable(seen: dict[str, Any], words: str) -> None:
    part = {"migrated": True, "products": 3, "to_refresh": 0, "refreshed_at": None, "redis": seen}
    assert list(PRODUCT_360.lines(part))[-1] == f"  redis       {words}"


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"revision": 7}, "revision 7"),
        ({"revision": 6, "up_to_date": False, "behind": 1, "behind_seconds": 3}, "revision 6  BEHIND by 1 commit, 3 s"),
        ({"revision": None, "up_to_date": False, "behind": 7, "behind_seconds": 3}, "nothing published  BEHIND by 7 commits, 3 s"),
        ({"revision": None, "up_to_date": False}, "nothing published  BEHIND"),  # a stream of revision 0
        ({"revision": None, "reachable": False, "up_to_date": False, "error": "it hangs"},
         "NOT REACHABLE, nothing published when it was last seen; it hangs"),
    ],
)  # fmt: skip
def test_the_hashes_of_a_stream_in_redis(seen: dict[str, Any], words: str) -> None:
    well = {"reachable": True, "up_to_date": True, "behind": 0, "behind_seconds": 0, "projector": "node7", "failing": None,
            "failing_since": None}  # fmt: skip
    assert projection_text({**well, **seen}) == words
