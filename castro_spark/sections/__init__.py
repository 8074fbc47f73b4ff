"""The sections of the settings, each typed and validated; settings/model.py puts them together."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen section that rejects unknown keys; its errors do not contain input values."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
