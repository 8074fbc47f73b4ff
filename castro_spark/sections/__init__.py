"""The sections of the settings, each typed and validated; settings/model.py puts them together."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """A frozen section that rejects unknown keys; its errors do not contain input values."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_switch_for_a_number(cls, values: Any) -> Any:
        """YAML reads yes and on as true, which would be the number 1."""
        for name, value in values.items() if isinstance(values, dict) else ():
            if isinstance(value, bool) and name in cls.model_fields:
                annotation = cls.model_fields[name].annotation
                types = {annotation, *get_args(annotation)}
                if bool not in types and types & {int, float}:
                    raise ValueError(f"{name} must be a number, not yes or no, true or false")
        return values
