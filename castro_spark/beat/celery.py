"""The Celery application, which `celery -A castro_spark.beat` finds here."""

from __future__ import annotations

from celery import Celery

from castro_spark.beat.door import settings
from castro_spark.beat.schedule import configure

app = Celery("castro_spark", include=["castro_spark.beat.tasks"])
configure(app, settings())
