"""Folders and files of other programs: what a scan passes over, and packages whose photos are read and never changed."""

from __future__ import annotations

import os
from pathlib import Path

# Names without a leading dot, in lower case: trash, system folders, and thumbnails of storage systems and of Sony.
_PASSED_OVER = frozenset([
    b"$recycle.bin", b"recycler", b"system volume information", b"lost+found", b"#recycle", b"@recycle", b"@eadir", b"@tmp",
    b"#snapshot", b"@recently-snapshot", b"thmbnl", b"thumbs.db", b"ehthumbs.db", b"desktop.ini", b"icon\r",
])  # fmt: skip
_PREVIEWS = b".lrdata"  # Lightroom's, among which are RAW files
# Libraries of Apple Photos, iPhoto, Aperture and Capture One, which systems show as one file.
_PACKAGES = (
    b".photoslibrary", b".photolibrary", b".migratedphotolibrary", b".aplibrary", b".migratedaplibrary", b".cocatalog",
)  # fmt: skip
_ORIGINALS = frozenset([b"originals", b"masters"])  # the folders of a package that hold its photos


def is_shown(name: bytes, directory: bytes) -> bool:
    """Whether a file or directory of this name in a directory of that name is indexed: it is neither hidden nor of a system
    or another program, and in a package it holds the originals.
    """
    lower = name.lower()
    if directory.lower().endswith(_PACKAGES):
        return lower in _ORIGINALS
    return name[:1] != b"." and lower not in _PASSED_OVER and not lower.endswith(_PREVIEWS)


def is_path_shown(name: bytes, folder: Path) -> bool:
    """Whether a scan of the folder reaches this path in it, with "/" between its parts; b"" is the folder itself."""
    parts = name.split(b"/")
    above = os.fsencode(os.path.basename(os.path.realpath(folder)))  # noqa: PTH119
    return not name or all(map(is_shown, parts, [above, *parts]))


def package_of(path: Path) -> Path | None:
    """The package in which a file lies, even if the file is not there; links in its folders are followed."""
    folder = Path(os.path.realpath(path.parent))
    above = (folder, *folder.parents)
    return next((each for each in above if os.fsencode(each.name).lower().endswith(_PACKAGES)), None)
