"""Status: how far each warehouse table is extracted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from castro_spark.observe.status.block import Asked, Block, Part
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.warehouse.watermark import extracted
from castro_spark.streams.declaration import StreamDeclaration


def _tables(settings: Settings, _: Sequence[StreamDeclaration]) -> list[Part]:
    return [{"table": target, "committed_at": None} for target in settings.warehouse.mapped]


def _answer(asked: Asked, subject: Part) -> Part:
    return extracted(asked.connection).get(subject["table"], {})


def _lines(part: Part) -> Iterator[str]:
    up_to = "never extracted"
    if "error" in part:
        up_to = part["error"].partition("\n")[0]
    elif at := part["committed_at"]:
        up_to = f"up to {part['watermark']} by an extract ({part['mode']}) at {at:%Y-%m-%d %H:%M:%S} UTC"
    yield f"{part['table']}: {up_to}"


WAREHOUSE = Block("warehouse", _answer, _lines, _tables)
