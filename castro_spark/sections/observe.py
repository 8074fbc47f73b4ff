"""Settings of the log (`logging`), and of the metrics (`metrics`): how often PostgreSQL is asked, who serves them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from castro_spark.sections import Section


class LoggingSettings(Section):
    format: Literal["text", "json"]
    level: Literal["debug", "info", "warning"]  # of castro_spark's own messages


class MetricsSettings(Section):
    cache_seconds: float = Field(ge=0, le=300)  # scrapes within it have the same answer
    statement_timeout_seconds: float = Field(gt=0, le=60)  # a slower query: those metrics are missing in the answer
    driver_address: str | None = Field(default=None, min_length=1)  # where `stream` serves them; null: nowhere
    driver_port: int = Field(ge=0, lt=65536)  # 0: a free one
