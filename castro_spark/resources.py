"""Files of the package that are not code: the SQL statements and the settings.

In a checkout castro_spark/sql, conf and jobs are links to the folders of the top level; in the wheel they are folders.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def resource(path: str) -> Path:
    """The file or folder castro_spark/`path`."""
    return Path(str(files("castro_spark").joinpath(path)))
