"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psutil


def machine() -> dict[str, Any]:
    """Processors, memory and versions; and when."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return {
        "at": datetime.now(timezone.utc).isoformat(timespec="minutes"), "cpus": os.cpu_count(), "cpu": model,
        "memory_gib": round(psutil.virtual_memory().total / (1 << 30), 1), "kernel": platform.release(),
        "python": platform.python_version(),
    }  # fmt: skip
