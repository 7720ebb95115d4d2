"""Joins parts of a video to one file without encoding again, with the audio, subtitles and chapters of its source."""

import heapq
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

from sr.errors import InputError
from sr.image.video_copy import copies
from sr.image.video_facts import VideoFacts, library
from sr.image.video_writer import naming

Timed = tuple[Fraction, int, Any]  # when a packet is needed, in seconds; its stream; the packet


def joined(
    parts: Sequence[Path], times: Sequence[Sequence[int]], target: Path, facts: VideoFacts, source: str | Path | None = None
) -> list[str]:
    """Write the frames of `parts` one after another to `target`; returns what of `source` was not copied, in a few words each.

    Packets are copied. `times` are the time stamps of the frames of each part in units of `facts.time_base`. Streams that begin
    later than 0 in `source` (as in .ts files) are all moved to begin at 0.

    Raises:
        InputError: the container does not hold the codec. StorageError: a full disk. Nothing is left of `target`.
    """
    temporary = target.with_name(f".{uuid.uuid4().hex}{target.suffix}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with naming(target), ExitStack() as opened:
            lost = _write(temporary, parts, times, target, facts, source, opened)
        os.replace(temporary, target)
        return lost
    finally:
        with suppress(OSError):
            temporary.unlink()


def _write(
    temporary: Path, parts: Any, times: Any, target: Path, facts: VideoFacts, source: Any, opened: ExitStack
) -> list[str]:
    av, lost, streams = library(str(target)), [], {}
    original = opened.enter_context(av.open(str(source))) if source is not None else None
    first = opened.enter_context(av.open(parts[0]))
    out = av.open(temporary, "w")
    out.flags |= av.container.Flags.bitexact.value  # the same frames make the same file
    try:
        try:
            video = out.add_stream_from_template(first.streams.video[0], opaque=True)
        except ValueError:
            raise InputError(
                f"{target}: {target.suffix} does not hold this codec: choose .mkv, or another video.codec"
            ) from None
        if (
            target.suffix.lower() in (".mp4", ".mov", ".m4v")
            and first.streams.video[0].codec_context.codec.canonical_name == "hevc"
        ):
            video.codec_context.codec_tag = "hvc1"  # Apple's players refuse hev1
        video.time_base = facts.time_base
        video.codec_context.framerate = facts.rate or 25
        start = Fraction(0)
        if original is not None:
            start = max(Fraction(original.start_time or 0, av.time_base), Fraction(0))
            streams, lost = copies(out, original, target)
            out.metadata.update({key: text for key, text in original.metadata.items() if key.lower() not in _OWN})
            with suppress(AttributeError):  # PyAV before 14
                out.set_chapters(original.chapters())
        runs = [_video(parts, times, facts, round(start / facts.time_base))]
        if streams:
            runs.append(_others(original, streams, start))
        for _, index, packet in heapq.merge(*runs, key=lambda timed: timed[:2]):
            packet.stream = video if index < 0 else streams[index]
            out.mux_one(packet)
        out.close()
    except BaseException:
        with suppress(Exception):
            out.close()
        raise
    return lost


_OWN = ("encoder", "major_brand", "minor_version", "compatible_brands", "duration", "creation_time")  # of the container


def _video(parts: Sequence[Path], times: Sequence[Sequence[int]], facts: VideoFacts, start: int) -> Iterator[Timed]:
    """Packets of all parts with the time stamps of their frames, in the order of decoding."""
    orders = [_order(part, len(those)) for part, those in zip(parts, times, strict=True)]
    delay = max(number - rank for order in orders for number, rank in enumerate(order))
    step = max(1, round(1 / (facts.rate or Fraction(25)) / facts.time_base))
    stamps = [time - start for those in times for time in those]
    ends = [*stamps[1:], stamps[-1] + step]
    number, first, av = 0, 0, library("")
    for part, order in zip(parts, orders, strict=True):
        with av.open(part) as file:
            for rank, packet in zip(order, _packets(file), strict=True):
                at = first + rank
                packet.pts, packet.time_base = stamps[at], facts.time_base
                packet.dts = stamps[number - delay] if number >= delay else stamps[0] - (delay - number) * step
                packet.duration = ends[at] - stamps[at]
                number += 1
                yield packet.dts * facts.time_base, -1, packet
        first += len(order)


def _order(part: Path, count: int) -> list[int]:
    """The place of each packet's frame among the frames of a part, in the order of decoding."""
    with library("").open(part) as file:
        shown = [packet.pts for packet in _packets(file)]
    if len(shown) != count:
        raise InputError(f"{part}: {len(shown)} frames, expected {count}: remove it and run again")
    place = {pts: rank for rank, pts in enumerate(sorted(shown))}
    return [place[pts] for pts in shown]


def _packets(file: Any) -> Iterator[Any]:
    return (packet for packet in file.demux(file.streams.video[0]) if packet.size)


def _others(original: Any, streams: dict[int, Any], start: Fraction) -> Iterator[Timed]:
    """Packets of the other streams; those of a broken end are left out."""
    packets = original.demux(*(original.streams[index] for index in streams))
    while True:
        try:
            packet = next(packets, None)
        except library("").FFmpegError:
            return
        if packet is None:
            return
        if packet.size == 0 or packet.dts is None:
            continue
        shift = round(start / packet.time_base)
        packet.pts, packet.dts = (packet.dts if packet.pts is None else packet.pts) - shift, packet.dts - shift
        yield packet.dts * packet.time_base, packet.stream_index, packet
