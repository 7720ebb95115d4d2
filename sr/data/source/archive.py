"""Safe extraction of zip and tar archives: downloads are untrusted input, and may try to write anywhere."""

import errno
import gzip
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from tqdm import tqdm

from sr.errors import ExistsError, InputError, MissingError, StorageError

# Errors of the libraries for damaged data; RuntimeError: an encrypted zip, or a compression that Python cannot read.
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError)


def extract(archive: str | Path, folder: str | Path, inside: str = "") -> None:
    """Extract the archive's directory `inside` ("" for everything) to `folder`.

    All members are checked before the first is written, and `folder` appears at the end, by a rename. A refused archive
    leaves nothing; a killed extraction leaves only a hidden folder, which the next one removes. Raises InputError if a
    member's name leads outside the folder, a member is a link or a device, or the archive is broken, unsupported or without
    `inside`; ExistsError if `folder` has content; StorageError if the declared size does not fit on the disk.
    """
    archive, folder = Path(archive), Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExistsError(f"{folder} exists already: move it away to extract {archive} there")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(temporary, ignore_errors=True)  # left by a killed extraction
    temporary.mkdir()
    try:
        _unpack(archive, temporary, PurePosixPath(inside))
        os.replace(temporary / inside, folder)
    except _BROKEN as error:
        raise InputError(f"{archive} cannot be read ({error}): delete it and download it again") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _unpack(archive: Path, folder: Path, inside: PurePosixPath) -> None:
    with _open(archive) as opened:
        members = list(_members(opened))
        for member, name, _ in members:
            _check(member, name, archive)
        wanted = [(member, size) for member, name, size in members if PurePosixPath(name).is_relative_to(inside)]
        if not wanted:
            raise InputError(f"{archive} has no {inside}/ in it: is it the right archive?")
        total, free = sum(size for _, size in wanted), shutil.disk_usage(folder).free
        if total > free:
            raise StorageError(f"{archive} unpacks to {total / 1e9:.1f} GB, but {folder.parent} has {free / 1e9:.1f} GB free")
        with tqdm(total=total, unit="B", unit_scale=True, desc=f"extract {archive.name}") as bar:
            for member, size in wanted:
                try:
                    opened.extract(member, folder, **({} if isinstance(member, zipfile.ZipInfo) else {"filter": "data"}))
                except OSError as error:
                    if error.errno in (None, errno.EINVAL):  # from bz2, or a seek to a position in a damaged header
                        raise EOFError(f"damaged data: {error}") from error
                    raise StorageError(error.errno, error.strerror, error.filename or str(folder)) from None
                bar.update(size)


def _open(archive: Path) -> zipfile.ZipFile | tarfile.TarFile:
    if not archive.is_file():
        raise MissingError(f"no such archive: {archive}")
    if zipfile.is_zipfile(archive):
        return zipfile.ZipFile(archive)
    if tarfile.is_tarfile(archive):
        return tarfile.open(archive)
    raise InputError(f"{archive} is neither a zip nor a tar archive: delete it and download it again")


def _members(opened: zipfile.ZipFile | tarfile.TarFile) -> Iterator[tuple[zipfile.ZipInfo | tarfile.TarInfo, str, int]]:
    """(member, name, unpacked size) of each member."""
    if isinstance(opened, zipfile.ZipFile):
        # orig_filename: ZipFile cuts `filename` at a null byte and turns backslashes on Windows.
        yield from ((member, member.orig_filename, member.file_size) for member in opened.infolist())
    else:
        yield from ((member, member.name, member.size) for member in opened)
        while opened.fileobj.read(1 << 20):  # read to the end of a .gz, where its checksum is
            pass


def _check(member: zipfile.ZipInfo | tarfile.TarInfo, name: str, archive: Path) -> None:
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if "\0" in name or posix.is_absolute() or windows.drive or windows.root or ".." in (*posix.parts, *windows.parts):
        raise InputError(f"{archive} is refused, nothing was extracted: {name!r} leads outside its folder")
    if isinstance(member, zipfile.ZipInfo):
        kind = stat.S_IFMT(member.external_attr >> 16)  # 0 if the archive was made without Unix modes
        plain = kind in (0, stat.S_IFREG, stat.S_IFDIR)
    else:
        plain = member.isreg() or member.isdir()
    if not plain:  # even links that stay inside: no image set needs them, and past escapes started with one
        raise InputError(f"{archive} is refused, nothing was extracted: {name!r} is a link or a device, not a file")
