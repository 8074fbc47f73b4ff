"""The features that are compared: columns of the streams' daily tables, one value a product and window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg2 import sql

from castro_spark.errors import SettingsError
from castro_spark.streams.declaration import StreamDeclaration


@dataclass(frozen=True)
class Feature:
    """`name` is STREAM.COLUMN."""

    name: str
    stream: StreamDeclaration
    column: str

    def value(self) -> sql.Composed:
        """A column: one product's value over the days `d` of a window: the sum, or the newest price."""
        return sql.SQL("{} AS {}").format(self._value("true"), sql.Identifier(self.column))

    def growth(self) -> sql.Composed:
        """A column: the factor between one product's values over the days `d` that are not `later`, and that are."""
        parts = self._value("d.later"), self._value("NOT d.later"), sql.Identifier(self.column)
        return sql.SQL("{} / nullif({}, 0) AS {}").format(*parts)

    def _value(self, where: str) -> sql.Composed:
        if self.column == self.stream.last_price:
            form = "(array_agg(d.{c} ORDER BY d.date DESC) FILTER (WHERE d.{c} IS NOT NULL AND {where}))[1]"
        else:
            form = "(sum(d.{c}) FILTER (WHERE {where}))::numeric"
        return sql.SQL(form).format(c=sql.Identifier(self.column), where=sql.SQL(where))


def resolve(names: Sequence[str], streams: Mapping[str, StreamDeclaration]) -> tuple[Feature, ...]:
    """The features of these names. Raises SettingsError for a name that is none."""
    features = []
    for name in names:
        stream_name, _, column = name.partition(".")
        stream = streams.get(stream_name)
        if stream is None or column not in stream.aggregate_columns:
            known = ", ".join(stream.aggregate_columns) if stream else f"streams: {', '.join(streams)}"
            raise SettingsError(
                f"retraining.features: {name} is no column of a stream's daily table",
                f"write STREAM.COLUMN; {stream_name} has {known}" if stream else f"write STREAM.COLUMN; {known}",
            )
        features.append(Feature(name, stream, column))
    return tuple(features)


def by_stream(features: Sequence[Feature]) -> dict[StreamDeclaration, list[Feature]]:
    """The features of each stream."""
    grouped: dict[StreamDeclaration, list[Feature]] = {}
    for feature in features:
        grouped.setdefault(feature.stream, []).append(feature)
    return grouped
