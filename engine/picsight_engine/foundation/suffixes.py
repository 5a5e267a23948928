"""The suffixes of pictures and films, and the kinds of files that stand behind a picture."""

from __future__ import annotations

import os
from typing import Literal

Companion = Literal["RAW", "film", "original"]

# Raw files of cameras.
RAW_SUFFIXES = frozenset([
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".mrw",
    ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
])  # fmt: skip
# Suffixes of the decoded formats, by format.
FORMATS = {
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "png": (".png", ".apng"),
    "heic": (".heic", ".heics", ".heif", ".heifs", ".hif"),
    "webp": (".webp",),
    "avif": (".avif", ".avifs"),
    "gif": (".gif",),
    "tiff": (".tif", ".tiff"),
    "bmp": (".bmp", ".dib"),
    "raw": tuple(sorted(RAW_SUFFIXES)),
    "jxl": (".jxl",),
    "jpeg2000": (".jp2", ".j2k", ".j2c", ".jpx", ".jpf"),
    "psd": (".psd", ".psb"),
    "ico": (".ico",),
    "pcx": (".pcx",),
    "ppm": (".ppm", ".pgm", ".pbm", ".pnm"),
    "tga": (".tga",),
    "qoi": (".qoi",),
    "video": (
        ".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".m2t", ".m2ts", ".m2v", ".m4v", ".mkv", ".mov",
        ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".qt", ".ts", ".vob", ".webm", ".wmv",
    ),
}  # fmt: skip
SHARED_SUFFIX = ".ts"  # of films, of TypeScript and of Qt's translations
VIDEO_SUFFIXES = frozenset(FORMATS["video"])
# What cameras show beside a RAW or a film.
SHOWN_SUFFIXES = frozenset([".jpg", ".jpeg", ".heic", ".heif", ".hif"])


def suffix_of(name: bytes) -> str:
    """The suffix of a file's name in lower case, with its dot; "" without one."""
    return os.path.splitext(name)[1].decode("ascii", "replace").lower()  # noqa: PTH122 -- pathlib cannot hold bytes


def companion_kind(name: str) -> Companion:
    """What a file behind a picture is by the end of its name: the camera's RAW, the film of a Live Photo, else what an
    edit was made of.
    """
    suffix = name[name.rfind(".") :].lower()
    return "RAW" if suffix in RAW_SUFFIXES else "film" if suffix in VIDEO_SUFFIXES else "original"
