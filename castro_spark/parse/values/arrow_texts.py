"""The functions of texts.py for Arrow's columns. Each returns what its Python form returns."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from castro_spark.parse.values.texts import BLANKS


def normal_names(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """`normal_name` of each text (string or large_string); null stays null."""
    return pc.utf8_trim(pc.utf8_normalize(texts, form="NFC"), characters=BLANKS)


def normal_ids(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """`normal_id` of each text (string or large_string); null stays null."""
    return pc.utf8_rtrim(pc.utf8_normalize(texts, form="NFC"), characters=BLANKS)
