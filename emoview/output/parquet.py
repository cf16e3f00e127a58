"""The timeline as Parquet: the columns of the CSV, each with its type."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from emoview.common.text import json_of
from emoview.output.json import provenance
from emoview.timeline.measures import MEASURES
from emoview.timeline.results import Analysis


def parquet_file(analysis: Analysis, _: Path) -> bytes:
    """Write the timeline as a Parquet file; what is missing is null.

    Its metadata hold, under `emoview`, the JSON of what tells where the numbers come from.
    """
    import pyarrow
    from pyarrow import parquet

    types = {
        "tick": pyarrow.int64(),
        "clock": pyarrow.string(),
        "face_id": pyarrow.int64(),
        "person": pyarrow.int64(),
        "voice_id": pyarrow.int64(),
        "speaking": pyarrow.int64(),
        "off_screen": pyarrow.int64(),
        **{one.name: pyarrow.int64() for one in MEASURES if one.decimals is None},
        # The labels repeat, so they are stored once, and pandas reads them as categories.
        "label": pyarrow.dictionary(pyarrow.int8(), pyarrow.string()),
    }
    schema = pyarrow.schema(
        [
            pyarrow.field(name, types.get(name, pyarrow.float64()), name not in ("tick", "time_s"))
            for name in analysis.columns
        ]
    )
    schema = schema.with_metadata({"emoview": json_of(provenance(analysis))})
    rows: list[dict[str, Any]] = [analysis.record(row) for row in analysis.timeline]
    file = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows, schema), file, compression="zstd")
    return file.getvalue()
