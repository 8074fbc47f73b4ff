"""What `status` says of the 360° view in Redis."""

from __future__ import annotations

from typing import Any

import pytest

from castro_spark.observe.status.blocks.product_360 import PRODUCT_360


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
