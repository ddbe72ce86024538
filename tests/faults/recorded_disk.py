"""What SQLite writes to its files and when it asks for it to be on the disk, recorded beneath the connections of this process.

A copy of the system's VFS is registered with the SQLite library that Python itself uses. Files that it opens get the system's own
methods, three of which (write, truncate, sync) are noted first. So the recorder under test is the real one, statement by statement.
"""

import _sqlite3
import ctypes
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAME = b"recorded"


@dataclass(frozen=True)
class Write:
    """Bytes at an offset of a file."""

    file: str
    offset: int
    data: bytes


@dataclass(frozen=True)
class Truncate:
    """A file cut to a size."""

    file: str
    size: int


@dataclass(frozen=True)
class Sync:
    """A file whose bytes must be on the disk when this returns."""

    file: str


@dataclass(frozen=True)
class Acknowledged:
    """The program was told that everything up to this entry is on record."""

    entry: int


Operation = Write | Truncate | Sync | Acknowledged


class _Methods(ctypes.Structure):
    """SQLite's `sqlite3_io_methods`, version 3."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("close", ctypes.c_void_p),
        ("read", ctypes.c_void_p),
        ("write", ctypes.c_void_p),
        ("truncate", ctypes.c_void_p),
        ("sync", ctypes.c_void_p),
        ("others", ctypes.c_void_p * 13),
    )


class _File(ctypes.Structure):
    """SQLite's `sqlite3_file`: what follows its methods is the VFS's own."""

    _fields_ = (("methods", ctypes.POINTER(_Methods)),)


class _Vfs(ctypes.Structure):
    """SQLite's `sqlite3_vfs`, version 3."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("file_size", ctypes.c_int),
        ("path_size", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("open", ctypes.c_void_p),
        ("others", ctypes.c_void_p * 14),
    )


_OPEN = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.POINTER(_File),
    ctypes.c_int,
    ctypes.POINTER(ctypes.c_int),
)
_WRITE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int64)
_TRUNCATE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int64)
_SYNC = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)


@dataclass
class RecordedDisk:
    """A VFS by the name of `NAME`; what it sees is in `operations`, in order."""

    operations: list[Operation] = field(default_factory=list)
    _names: dict[int, str] = field(default_factory=dict)
    _methods: dict[int, _Methods] = field(default_factory=dict)
    _alive: list[Any] = field(default_factory=list)

    @classmethod
    def registered(cls) -> "RecordedDisk | None":
        """Register it; None where Python's SQLite is no library of its own, so that nothing can be registered with it."""
        try:
            library = ctypes.CDLL(_sqlite3.__file__)
            find, register = library.sqlite3_vfs_find, library.sqlite3_vfs_register
        except (AttributeError, OSError):
            return None
        find.restype = ctypes.POINTER(_Vfs)
        system = find(None).contents
        disk, vfs = cls(), _Vfs.from_buffer_copy(system)
        vfs.name = NAME
        opened = _OPEN(disk._opening(_OPEN(system.open)))
        vfs.open = ctypes.cast(opened, ctypes.c_void_p)
        disk._alive += [vfs, opened]
        _KEPT.append(disk)
        assert register(ctypes.byref(vfs), 0) == 0
        return disk

    def _opening(self, system: Callable[..., int]) -> Callable[..., int]:
        def opened(vfs: int, name: int | None, file: Any, flags: int, flags_out: Any) -> int:
            code = system(vfs, name, file, flags, flags_out)
            if code == 0 and name and file.contents.methods:
                self._names[ctypes.addressof(file.contents)] = Path(ctypes.string_at(name).decode()).name
                file.contents.methods = ctypes.pointer(self._noting(file.contents.methods.contents))
            return code

        return opened

    def _noting(self, system: _Methods) -> _Methods:
        """The system's methods, three of them noted; one such table for each of the system's."""
        place = ctypes.addressof(system)
        if place not in self._methods:
            noting = _Methods.from_buffer_copy(system)
            note, names = self.operations.append, self._names
            write, truncate, sync = _WRITE(system.write), _TRUNCATE(system.truncate), _SYNC(system.sync)

            def noted_write(file: int, data: int, size: int, offset: int) -> int:
                note(Write(names[file], offset, ctypes.string_at(data, size)))
                code: int = write(file, data, size, offset)
                return code

            def noted_truncate(file: int, size: int) -> int:
                note(Truncate(names[file], size))
                code: int = truncate(file, size)
                return code

            def noted_sync(file: int, flags: int) -> int:
                code: int = sync(file, flags)
                note(Sync(names[file]))
                return code

            calls = [_WRITE(noted_write), _TRUNCATE(noted_truncate), _SYNC(noted_sync)]
            noting.write, noting.truncate, noting.sync = (ctypes.cast(call, ctypes.c_void_p) for call in calls)
            self._alive += [*calls, write, truncate, sync]
            self._methods[place] = noting
        return self._methods[place]


_KEPT: list[RecordedDisk] = []
"""SQLite keeps pointers into them for as long as the process lives."""
