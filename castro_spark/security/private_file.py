"""Text as a file that only this process's user can read, for libraries that take a path."""

from __future__ import annotations

import os
import sys
import tempfile
from functools import cache


@cache
def private_file(name: str, text: str) -> str:
    """The path of a file with this text; on Linux in memory, and gone with the process. `name` serves for debugging."""
    if sys.platform == "linux":
        number = os.memfd_create(name)
        os.write(number, text.encode())
        return f"/proc/{os.getpid()}/fd/{number}"
    with tempfile.NamedTemporaryFile(prefix=name, delete=False) as file:  # mode 0600
        file.write(text.encode())
    return file.name
