"""What is wrong with settings, in words: the file or variable, the key, and what would be right."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from castro_spark.errors import SettingsError
from castro_spark.resources import resource
from castro_spark.settings.tree import at, read_tree


def invalid_settings(error: ValidationError, path: Path, origins: Mapping[str, str], *section: str) -> SettingsError:
    """The error for settings that pydantic refuses. `origins`: the variable that a key's value is from."""
    lines = []
    for item in error.errors(include_input=False, include_url=False):
        parts = [str(part) for part in (*section, *item["loc"])]
        key = ".".join(parts)
        untagged = ".".join([*parts[:-2], *parts[-1:]])  # pydantic names a channel's type before the channel's key
        where = origins.get(key) or origins.get(untagged) or f"{path} (over base.yaml)"
        lines.append(": ".join(filter(None, [where, key, item["msg"] + _further(item["type"], parts)])))
    return SettingsError("\n".join(lines), "fix that key; conf/base.yaml shows every key")


def _further(kind: str, key: list[str]) -> str:
    """What pydantic does not know: the key that was meant, and that a section was expected."""
    if kind == "extra_forbidden":
        known: Any = at(read_tree(resource("conf/base.yaml")), tuple(key[:-1]))
        close = get_close_matches(key[-1], known if isinstance(known, dict) else (), n=1)
        return f"; is {close[0]} meant?" if close else ""
    if kind in ("model_type", "dict_type"):
        return "; it is a section: write its keys below it, or take the line out"
    return ""
