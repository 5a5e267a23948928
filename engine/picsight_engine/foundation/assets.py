"""Finds the files that ship with Picsight: the starter bundle, the icons, the tables of places."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def find_asset(name: str) -> Path:
    """The path of an asset such as "starter" or "places/outlines.npz.xz"; a checkout wins over the copy inside an installed wheel."""
    in_checkout = _PACKAGE.parent.parent / "assets" / name
    return in_checkout if in_checkout.exists() else _PACKAGE / "_assets" / name
