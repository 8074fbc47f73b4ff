"""The limits of conf/base.yaml, a day, and outcomes by their names, for the tests of the judgements."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

from castro_spark.quality.result import Outcome
from castro_spark.sections.quality import QualitySettings
from castro_spark.settings import Settings, load_settings

PASS, WARN, FAIL, ERROR, NO_DATA = (Outcome(o) for o in ("pass", "warn", "fail", "error", "no_data"))
BASE: Settings = load_settings(environ={})
QUALITY: QualitySettings = BASE.quality
NOW = datetime(2026, 3, 12, 12, tzinfo=timezone.utc)
DAY = date(2026, 3, 12)  # a Thursday
WEEK = timedelta(weeks=1)
