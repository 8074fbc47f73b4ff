"""Where the one door is, and with which settings it is called: three variables of the worker's environment."""

from __future__ import annotations

import os
from functools import cache

from castro_spark.settings import Settings, load_settings

DOOR, ENV, CONF_FILE = "CASTRO_DOOR", "CASTRO_BEAT_ENV", "CASTRO_BEAT_CONF_FILE"
_INSTALLED = "/opt/castro_spark/spark-submit.sh"


def command(*words: str) -> list[str]:
    """The command line of a job: the door, the job's words, and the options that name the settings."""
    env, conf_file = os.environ.get(ENV), os.environ.get(CONF_FILE)
    options = [*(["--env", env] if env else []), *(["--conf-file", conf_file] if conf_file else [])]
    return [os.environ.get(DOOR) or _INSTALLED, *words, *options]


@cache
def settings() -> Settings:
    """The settings that the jobs will load. Raises SettingsError."""
    return load_settings(os.environ.get(ENV) or "local", os.environ.get(CONF_FILE))
