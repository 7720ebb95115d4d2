"""Streams of audio and subtitles that a video file takes over from its source, packet by packet."""

from pathlib import Path
from typing import Any

_TRANSPORT = {"aac", "mp3", "mp2", "ac3", "eac3", "opus", "dts", "dvb_subtitle"}  # PyAV knows none for .ts


def copies(out: Any, original: Any, target: Path) -> tuple[dict[int, Any], list[str]]:
    """Add the audio and subtitles of PyAV's container `original` to `out`.

    Returns the new streams by the index of their originals, and in words what the container does not hold.
    """
    streams: dict[int, Any] = {}
    lost = []
    held = _TRANSPORT if out.format.name == "mpegts" else out.supported_codecs
    for stream in original.streams:
        if stream.type in ("data", "attachment"):
            lost.append(f"a {stream.type} stream is not copied")
        if stream.type not in ("audio", "subtitle"):
            continue
        name = stream.codec_context.codec.canonical_name if stream.codec_context else "an unknown codec"
        try:
            if name not in held:
                raise ValueError
            copy = out.add_stream_from_template(stream, opaque=True)
        except ValueError:
            advice = "" if target.suffix == ".mkv" else ": choose .mkv"
            lost.append(f"{stream.type} of {name} does not go into {target.suffix} and is dropped{advice}")
            continue
        copy.metadata.update({key: text for key, text in stream.metadata.items() if key.lower() not in ("duration", "encoder")})
        copy.disposition = stream.disposition
        streams[stream.index] = copy
    return streams, lost
