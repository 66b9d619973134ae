"""
Files below a folder that somebody else may write into, while we may be root: every folder is entered by its own
descriptor, none of them through a symbolic link, so what is written or removed can't be anywhere else.

A file is written under another name and renamed when it is whole: a full disk or a crash leaves the old one.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Optional, Protocol

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK

PART = ".part"
"""The end of the name under which a file is written."""


class Prepare(Protocol):
    """Gives a new file its owner and mode."""

    def __call__(self, descriptor: int, /) -> None: ...


def readable(descriptor: int) -> None:
    """Everybody may read the file: FreeSWITCH has a user of its own."""
    os.fchmod(descriptor, 0o644)


class Tree:
    """The files below one folder; paths are relative to it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def _folder(self, path: PurePosixPath, *, make: bool = False) -> Iterator[int]:
        """
        A descriptor of a folder.

        Raises:
            OSError: it is not there, or a part of it is a symbolic link.
        """
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in path.parts:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, 0o755, dir_fd=descriptor)
                deeper = os.open(part, _FOLDER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = deeper
            yield descriptor
        finally:
            os.close(descriptor)

    def is_file(self, path: str) -> bool:
        """Whether it is a plain file, and nothing on the way to it is a link."""
        where = PurePosixPath(path)
        try:
            with self._folder(where.parent) as folder:
                return stat.S_ISREG(os.stat(where.name, dir_fd=folder, follow_symlinks=False).st_mode)
        except OSError:
            return False

    def _open(self, name: str, folder: int) -> BinaryIO:
        return os.fdopen(os.open(name, _READ, dir_fd=folder), "rb")

    def read(self, path: str) -> Optional[bytes]:
        """What is in a plain file; None if there is none that we may read."""
        where = PurePosixPath(path)
        try:
            with self._folder(where.parent) as folder, self._open(where.name, folder) as file:
                return file.read() if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
        except OSError:
            return None

    def write(self, path: str, content: bytes, prepare: Prepare = readable) -> None:
        """
        Makes a file, or replaces it.

        Raises:
            OSError: it can't be written; what was there before still is.
        """
        where = PurePosixPath(path)
        part = f".{where.name}{PART}"
        with self._folder(where.parent, make=True) as folder:
            with suppress(FileNotFoundError):
                os.unlink(part, dir_fd=folder)  # of a run that was broken off
            try:
                with os.fdopen(os.open(part, _NEW, 0o600, dir_fd=folder), "wb") as file:
                    prepare(file.fileno())
                    file.write(content)
                os.rename(part, where.name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(OSError):
                    os.unlink(part, dir_fd=folder)
                raise

    def prepare(self, path: str, prepare: Prepare) -> None:
        """Gives a file that is there its owner and mode."""
        where = PurePosixPath(path)
        with self._folder(where.parent) as folder, self._open(where.name, folder) as file:
            prepare(file.fileno())

    def remove(self, path: str) -> bool:
        """Removes a plain file and what a broken run left of it; False if something else has its name."""
        where = PurePosixPath(path)
        try:
            with self._folder(where.parent) as folder:
                with suppress(FileNotFoundError):
                    os.unlink(f".{where.name}{PART}", dir_fd=folder)
                mode = os.stat(where.name, dir_fd=folder, follow_symlinks=False).st_mode
                if stat.S_ISREG(mode):
                    os.unlink(where.name, dir_fd=folder)
                return stat.S_ISREG(mode)
        except FileNotFoundError:
            return True
        except NotADirectoryError:  # a link, or a file: O_DIRECTORY and O_NOFOLLOW
            return False

    def first_link(self, folder: str) -> Optional[Path]:
        """A symbolic link that is the folder, or is in it; None without one."""
        top = self.root / folder
        if top.is_symlink():
            return top
        for where, folders, files in os.walk(top):
            for name in (*folders, *files):
                found = Path(where, name)
                if found.is_symlink():
                    return found
        return None

    def sweep(self, folder: str) -> None:
        """Removes what Python and the removal of files leave: compiled files, empty folders."""
        with suppress(FileNotFoundError, NotADirectoryError), self._folder(PurePosixPath(folder)) as found:
            self._sweep(found)
        with suppress(OSError), self._folder(PurePosixPath(folder).parent) as above:
            os.rmdir(PurePosixPath(folder).name, dir_fd=above)

    def _sweep(self, descriptor: int) -> None:
        for name in os.listdir(descriptor):
            mode = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                deeper = os.open(name, _FOLDER, dir_fd=descriptor)
                try:
                    self._sweep(deeper)
                finally:
                    os.close(deeper)
                with suppress(OSError):  # it is not empty
                    os.rmdir(name, dir_fd=descriptor)
            elif stat.S_ISREG(mode) and name.endswith(".pyc"):
                os.unlink(name, dir_fd=descriptor)
