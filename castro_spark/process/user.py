"""The user whose process this is, as commands and incidents keep him."""

from __future__ import annotations

import getpass
import os
import socket


def user_name() -> str:
    """The login name; in a container whose user has none, the user's number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # KeyError before Python 3.13
        return f"uid {os.getuid()}"


def user_and_host() -> str:
    """Who asks for something that another process does, and from where."""
    return f"{user_name()} at {socket.gethostname()}"
