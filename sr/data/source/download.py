"""Download of large files: resumes, retries, verifies, and the file appears only when it is complete."""

import os
import shutil
import time
from pathlib import Path

import requests
from tqdm import tqdm

from sr.errors import InputError, StorageError, UnreachableError
from sr.files import digest

_CHUNK = 1 << 20
# Temporary failures: no connection, a broken connection, a busy server.
_PASSING = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


def download(
    url: str,
    path: str | Path,
    size: int | None = None,
    checksum: str | None = None,
    *,
    attempts: int = 4,
    pause: float = 1.0,
) -> None:
    """Download `url` to `path`; received data goes to `path` + ".part", from which the next call continues.

    `size` is in bytes; `checksum` is "md5:..." or "sha256:...". An existing file at `path` is only checked. A broken
    connection is tried again, `attempts` times without progress, after `pause`, 2 `pause`, 4 `pause` ... seconds. Raises
    UnreachableError if the server cannot be reached or refuses, naming what to download by hand and where to put it;
    InputError if size or checksum are wrong; StorageError if the disk is too small.
    """
    if checksum is not None and not checksum.startswith(("md5:", "sha256:")):
        raise InputError(f"unknown checksum {checksum!r}: write md5:... or sha256:...")
    path = Path(path)
    if path.exists():
        if problem := _problem(path, size, checksum):
            raise InputError(f"{path} {problem}: delete it and run again")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    furthest, failures = _length(part), 0
    while True:
        try:
            _fetch(url, part, size)
            break
        except requests.RequestException as error:
            # progress: reset the counter, unless a server without ranges made us start over and failed again
            furthest, failures = max(furthest, _length(part)), 0 if _length(part) > furthest else failures + 1
            if failures >= attempts or not _passes(error):
                raise UnreachableError(
                    f"cannot download {url} ({_reason(error)}): run again to continue, or download it by hand to {path}"
                ) from error
            time.sleep(pause * 2 ** max(failures - 1, 0))
    if problem := _problem(part, size, checksum):
        part.unlink()  # nothing to continue from
        raise InputError(f"{url} {problem}: it was deleted; run again, and if this repeats, the server's file has changed")
    os.replace(part, path)


def _problem(file: Path, size: int | None, checksum: str | None) -> str | None:
    if size is not None and _length(file) != size:
        return f"has {_length(file):,} bytes, expected {size:,}"
    if checksum is not None:
        algorithm, _, expected = checksum.partition(":")
        found = digest(file, algorithm)
        if found != expected.lower():
            return f"has the wrong checksum {algorithm}:{found}, expected {expected}"
    return None


def _fetch(url: str, part: Path, size: int | None) -> None:
    start = _length(part)
    if size is not None and start == size:
        return
    # identity: byte positions of a compressed transfer would differ from the file's.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(url, headers=headers, stream=True, timeout=30) as response:
        if response.status_code == 416:  # we already have everything, or the server's file is another one
            if response.headers.get("Content-Range") == f"bytes */{start}":
                return
            part.unlink()
            raise requests.exceptions.ChunkedEncodingError(f"server does not have bytes {start}-")
        response.raise_for_status()
        start = start if response.status_code == 206 else 0  # 200: the server does not support ranges and sends everything
        total = start + int(response.headers["Content-Length"]) if "Content-Length" in response.headers else size
        free = shutil.disk_usage(part.parent).free
        if total is not None and total - start > free:
            raise StorageError(f"{url} needs {(total - start) / 1e9:.1f} GB, but {part.parent} has {free / 1e9:.1f} GB free")
        name = f"download {part.stem}"
        with (
            part.open("ab" if start else "wb") as file,
            tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=name) as bar,
        ):
            for chunk in response.iter_content(_CHUNK):
                try:
                    file.write(chunk)
                except OSError as error:  # from the disk; requests' own errors are OSErrors too
                    raise StorageError(error.errno, error.strerror, str(part)) from None
                bar.update(len(chunk))
    if total is not None and _length(part) < total:
        raise requests.exceptions.ChunkedEncodingError(f"connection closed after {_length(part):,} of {total:,} bytes")


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _passes(error: requests.RequestException) -> bool:
    if isinstance(error, requests.HTTPError):
        return error.response.status_code in (408, 429) or error.response.status_code >= 500
    return isinstance(error, _PASSING)


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.HTTPError):
        return f"the server answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke"
    return "no connection" if isinstance(error, _PASSING) else str(error)
