"""An offline run of W&B, read in W&B's own format."""

import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from wandb.proto import wandb_internal_pb2

TRAIN = {"train/loss", "train/l1", "train/lr", "train/gradient_norm", "train/images_per_second"}
VAL = {f"val/split/{metric}" for metric in ("psnr", "ssim", "psnr_rgb", "ssim_rgb")}


def wandb_records(file: Path) -> Iterator[wandb_internal_pb2.Record]:
    """The records of an offline run, in W&B's own messages; around them lies LevelDB's log format.

    Blocks of 32 KiB of chunks: CRC (4 bytes), length (2), kind (1: whole, 2: first, 3: middle, 4: last part), content.
    """
    content, position, parts = file.read_bytes(), 7, b""
    assert content[:4] == b":W&B"
    while position < len(content):
        room = 32768 - position % 32768
        if room < 7:
            position += room
            continue
        crc, length, kind = struct.unpack("<IHB", content[position : position + 7])
        chunk = content[position + 7 : position + 7 + length]
        assert zlib.crc32(chunk, zlib.crc32(bytes([kind]))) == crc
        parts, position = parts + chunk, position + 7 + length
        if kind in (1, 4):
            yield wandb_internal_pb2.Record.FromString(parts)
            parts = b""


def nested(items: Iterable) -> dict:
    """W&B's list of (key or path, JSON) as a dict."""
    result: dict = {}
    for item in items:
        node, path = result, list(item.nested_key) or [item.key]
        for word in path[:-1]:
            node = node.setdefault(word, {})
        node[path[-1]] = json.loads(item.value_json)
    return result


def artifacts(records: Iterable[wandb_internal_pb2.Record]) -> list[wandb_internal_pb2.ArtifactRecord]:
    return [record.artifact for record in records if record.WhichOneof("record_type") == "artifact"]
