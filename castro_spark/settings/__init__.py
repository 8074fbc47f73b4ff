"""Settings: conf/base.yaml, the environment's file, then CASTRO_... variables; frozen and validated at load."""

from castro_spark.settings.load import EXECUTOR_PASSWORD_FILE, OVERRIDES, VARIABLES, VARIABLES_FILE, load_settings
from castro_spark.settings.model import Settings

__all__ = ["EXECUTOR_PASSWORD_FILE", "OVERRIDES", "VARIABLES", "VARIABLES_FILE", "Settings", "load_settings"]
