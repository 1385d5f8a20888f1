"""Writes the small Parquet files that mom-data's tests read, with pyarrow as Hugging Face's `datasets` uses it.

    python3 -m venv v && v/bin/pip install pyarrow==25.0.1
    v/bin/python scripts/make_parquet_samples.py IMAGE.png CLIP.flac OUT

The image and the clip of the files in the tree are 1F98A.png and activated.flac of the demo corpus, and carry its licences.
"""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

image, clip, out = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]).read_bytes(), Path(sys.argv[3])
media = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def inside(data, path):
    return {"bytes": data, "path": path}


pq.write_table(
    pa.table({
        "image": pa.array([inside(image, "fox.png"), inside(None, "missing.png"), None, inside(b"", None)], media),
        "caption": pa.array(["a fox", "gone", "only words", None]),
        "label": pa.array([1, 2, 3, None], pa.int64()),
    }),
    out / "image-text.parquet", compression="snappy", row_group_size=2)

pq.write_table(
    pa.table({
        "id": pa.array(["c1", "c2"]),
        "audio": pa.array([inside(clip, "activated.flac"), None], media),
        "transcription": pa.array(["Activated.", None]),
    }),
    out / "audio.parquet", compression="zstd")

pq.write_table(
    pa.table({
        "images": pa.array(
            [[None, inside(image, None), None, inside(image, None)], [None], [None, inside(None, "missing.png")], [inside(image, None)]],
            pa.list_(media)),
        "texts": pa.array([["one", None, "two", None], ["words alone"], ["see", None], [None, "too many"]], pa.list_(pa.string())),
        "metadata": pa.array(["{}", "{}", "{}", "{}"]),
    }),
    out / "interleaved.parquet", compression="snappy")

pq.write_table(
    pa.table({
        "images": pa.array([[None, "a/fox.png"], ["https://example.org/x.png", None]], pa.list_(pa.string())),
        "texts": pa.array([["a fox", None], [None, "far away"]], pa.list_(pa.string())),
        "metadata": pa.array(["{}", "{}"]),
        "general_metadata": pa.array(["{}", "{}"]),
    }),
    out / "obelics.parquet", compression="none")
