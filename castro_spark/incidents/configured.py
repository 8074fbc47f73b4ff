"""The rules of incidents, from the settings."""

from __future__ import annotations

from datetime import timedelta

from castro_spark.incidents.decision import IncidentRules
from castro_spark.sections.alerts import AlertSettings


def incident_rules(settings: AlertSettings) -> IncidentRules:
    """The rules; each channel is told of the incidents that its settings choose."""
    conf = settings.incidents
    return IncidentRules(
        passes_to_resolve=conf.passes_to_resolve,
        escalate_after=None if conf.escalate_after_hours is None else timedelta(hours=conf.escalate_after_hours),
        repeat_every=None if conf.repeat_every_hours is None else timedelta(hours=conf.repeat_every_hours),
        no_data_expected=conf.no_data_expected,
        accepts={name: channel.takes for name, channel in settings.enabled.items()},
        retention_days=conf.retention_days,
    )
