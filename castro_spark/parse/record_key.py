"""A change's record key -> the id of its row: the source's primary key, whatever the converter made of it."""

from __future__ import annotations

from typing import NamedTuple

from castro_spark.parse.connect_values import DECIMAL, Schema, columns_of, plain
from castro_spark.parse.document import Number
from castro_spark.parse.envelope import open_key
from castro_spark.parse.fields import Reader
from castro_spark.parse.identity import joined, joined_id
from castro_spark.parse.reasons import Reason, Unusable
from castro_spark.parse.texts import normal_name, plain_digits
from castro_spark.streams.declaration import FieldType, StreamDeclaration


class KeyId(NamedTuple):
    """The id that a record key makes; `only`: its one value, where it has no more; `raw`: the id as it was sent, where
    that differs."""

    text: str
    only: str | None
    raw: str | None

    def check_tells_rows(self, product_code: object) -> None:
        """Raises Unusable, bad_key: the key is the product's code, which all events of the product share."""
        if isinstance(product_code, str) and self.only is not None and normal_name(self.only) == product_code:
            raise Unusable(Reason.BAD_KEY, f"key: {self.only}: the product's code alone, not the row's key")


def key_id(key: bytes | None, stream: StreamDeclaration, reader: Reader) -> KeyId | None:
    """The id that a record key's fields make (identity.joined_id); None without any, or with only null and blank ones.

    The fields are those that `stream.key` names, in its order, else all in the key's own. A key that is no object is
    one field. Raises Unusable: bad_key (it cannot be read, or lacks a field), duplicate_key, or what is wrong with a
    field.
    """
    if key is None:
        return None
    try:
        held, schema = open_key(key)
        texts = _texts(held, schema, stream.key)
        normal = joined_id(texts)
        if normal is None:
            return None
        text = reader(normal)
    except Unusable as bad:
        raise Unusable(bad.reason, f"key: {bad.detail or key.decode(errors='replace')}") from None
    assert isinstance(text, str)
    raw, values = joined(texts), [text for text in texts if text]
    return KeyId(text, values[0] if len(values) == 1 else None, raw if raw != text else None)


def _texts(held: object, schema: object, wanted: tuple[str, ...]) -> list[str | None]:
    if held is None:
        return []
    if not isinstance(held, dict):
        if len(wanted) > 1:
            raise Unusable(Reason.BAD_KEY, f"one value, not the fields {', '.join(wanted)}")
        return [_text(held, schema if isinstance(schema, dict) else None)]
    if lacking := [name for name in wanted if name not in held]:
        raise Unusable(Reason.BAD_KEY, f"no field {', '.join(lacking)}, only {', '.join(held) or 'none'}")
    schemas = columns_of(schema)
    return [_text(held[name], schemas.get(name)) for name in wanted or held]


def _text(held: object, schema: Schema | None) -> str | None:
    if isinstance(held, bool):
        return str(held).lower()
    text = plain(held, FieldType.TEXT, schema)
    if text is None:
        return None
    if not isinstance(text, str):
        raise Unusable(Reason.BAD_KEY)
    if isinstance(held, Number) or held is not text or (schema is not None and schema.get("name") == DECIMAL):
        return text if text.isdecimal() and text.isascii() and text[0] != "0" else plain_digits(text)
    return text
