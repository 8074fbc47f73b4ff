"""Runs a program as an ordinary user if this process is root, because PostgreSQL refuses to run as root.

`python unprivileged.py PROGRAM ARGS` switches to an existing account (postgres, else nobody) and executes PROGRAM. It
retains one capability of root, to bypass permission bits (CAP_DAC_OVERRIDE, as an ambient capability): data and program
may be below a folder such as /root, which other users cannot enter and whose permissions must not be changed.

A separate program rather than a `preexec_fn`: Python code between fork and exec can deadlock a multithreaded process.
It imports the standard library only, and is run by its path with `python -I`.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import struct
import sys

_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def account() -> pwd.struct_passwd:
    """The account to switch to: `postgres` if it exists, else `nobody`."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise SystemExit("PostgreSQL cannot run as root, and there is no account postgres or nobody: run as a user")


def become(user: pwd.struct_passwd) -> None:
    """Drops root permanently; retains CAP_DAC_OVERRIDE if the kernel allows it (else file permissions apply)."""
    linux = sys.platform == "linux"
    libc = ctypes.CDLL(None, use_errno=True)
    if linux:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    if linux:
        bit = 1 << _CAP_DAC_OVERRIDE
        header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
        # effective, permitted, inheritable: for capabilities 0 to 31, then for the rest
        if libc.capset(header, struct.pack("=6I", bit, bit, bit, 0, 0, 0)) == 0:
            libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)


if __name__ == "__main__":
    become(account())
    os.umask(0o077)
    os.execv(sys.argv[1], sys.argv[1:])
