"""Files of the package that are not code: the SQL statements and the settings.

In a checkout castro_spark/sql, conf and jobs are links to the folders of the top level; in the wheel they are folders.
"""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path


def resource(path: str) -> Path:
    """The file or folder castro_spark/`path`."""
    return Path(str(files("castro_spark").joinpath(path)))


def castro_home() -> Path:
    """The folder of spark-submit.sh's downloads: CASTRO_HOME, else .castro in the working directory."""
    return Path(os.environ.get("CASTRO_HOME") or Path.cwd() / ".castro")
