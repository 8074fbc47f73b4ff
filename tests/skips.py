"""Where all is to be tested (CASTRO_TEST_ALL, set by `./test.sh all`), a test that is skipped has failed."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Of a test."""
    return _judged((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """Of a file that skips itself."""
    return _judged((yield))


def _judged(report: Any) -> Any:
    expected = hasattr(report, "wasxfail")  # an expected failure is told as a skip
    if report.skipped and not expected and os.environ.get("CASTRO_TEST_ALL"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"{reason}\n(./test.sh all: nothing may be skipped)"
    return report
