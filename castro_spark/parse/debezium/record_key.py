"""A change's record key -> the id of its row: the source's primary key, however the converter encoded it."""

from __future__ import annotations

from typing import NamedTuple

from castro_spark.parse.debezium.connect_values import DECIMAL, Schema, columns_of, plain
from castro_spark.parse.envelope import open_key
from castro_spark.parse.identity import LONGEST_ID, joined, joined_id
from castro_spark.parse.reasons import Reason, Unusable
from castro_spark.parse.values.document import Number
from castro_spark.parse.values.fields import Reader
from castro_spark.parse.values.texts import is_over_long, normal_name, plain_digits
from castro_spark.streams.declaration import FieldType, StreamDeclaration


class KeyId(NamedTuple):
    """The id from a record key. `only`: its value, if it has exactly one; `raw`: the id as sent, if that differs."""

    text: str
    only: str | None
    raw: str | None

    def check_identifies_rows(self, product_code: object) -> None:
        """Raises Unusable, bad_key, if the key is the product's code, which all events of the product share."""
        if isinstance(product_code, str) and self.only is not None and normal_name(self.only) == product_code:
            raise Unusable(Reason.BAD_KEY, f"key: {self.only}: the product's code alone, not the row's key")


def key_id(key: bytes | None, stream: StreamDeclaration, reader: Reader) -> KeyId | None:
    """The id from a record key's fields (identity.joined_id); None without any, or if all are null or blank.

    The fields are those of `stream.key`, in its order; without it all, in the key's order. A key that is no object is
    one field. Raises Unusable: bad_key (it cannot be read, or lacks a field), duplicate_key, or a field's own reason.
    """
    if key is None:
        return None
    try:
        content, schema = open_key(key)
        texts = _texts(content, schema, stream.key)
        normal = joined_id(texts)
        if normal is None:
            return None
        text = reader(normal)
    except Unusable as bad:
        raise Unusable(bad.reason, f"key: {bad.detail or key.decode(errors='replace')}") from None
    assert isinstance(text, str)
    raw, values = joined(texts), [text for text in texts if text]
    return KeyId(text, values[0] if len(values) == 1 else None, raw if raw != text else None)


def _texts(content: object, schema: object, names: tuple[str, ...]) -> list[str | None]:
    if content is None:
        return []
    if not isinstance(content, dict):
        if len(names) > 1:
            raise Unusable(Reason.BAD_KEY, f"one value, not the fields {', '.join(names)}")
        return [_text(content, schema if isinstance(schema, dict) else None)]
    if missing := [name for name in names if name not in content]:
        raise Unusable(Reason.BAD_KEY, f"no field {', '.join(missing)}, only {', '.join(content) or 'none'}")
    schemas = columns_of(schema)
    return [_text(content[name], schemas.get(name)) for name in names or content]


def _text(value: object, schema: Schema | None) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    text = plain(value, FieldType.TEXT, schema)
    if text is None:
        return None
    if not isinstance(text, str):
        raise Unusable(Reason.BAD_KEY)
    if is_over_long(text, LONGEST_ID):
        raise Unusable(Reason.BAD_TEXT)
    if isinstance(value, Number) or value is not text or (schema is not None and schema.get("name") == DECIMAL):
        return text if text.isdecimal() and text.isascii() and text[0] != "0" else plain_digits(text)
    return text
