"""Every icon that the window names is there, and takes the colour it is given."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtGui import QColor

import picsight.window
from picsight.window.parts.icons import icon_pixmap
from picsight_engine.foundation.assets import find_asset

NAMES = r'(?:IconButton|_button)\(\s*"([a-z-]+)"|paint_icon\([^)]*?"([a-z-]+)"|\(\s*"([a-z-]+)",\s*self\.tr\('


def test_every_icon_that_is_named_exists_and_every_one_that_exists_is_named():
    files = sorted(Path(picsight.window.__file__).parent.rglob("*.py"))
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    named = {name for names in re.findall(NAMES, text) for name in names if name}
    there = {file.stem for file in find_asset("icons").glob("*.svg")}
    assert named - there == set()
    assert len(named) > 8
    assert [name for name in there if f'"{name}"' not in text and f"{name}.svg" not in text] == []


def test_every_icon_draws_something_in_the_colour_it_is_given(qapp):
    for file in sorted(find_asset("icons").glob("*.svg")):
        if file.stem == "picsight":
            continue
        image = icon_pixmap(file.stem, QColor(200, 30, 40).name(), 24, 2.0).toImage()
        assert image.width() == 48
        colours = [image.pixelColor(x, y) for x in range(48) for y in range(48)]
        inked = [colour for colour in colours if colour.alpha() == 255]
        assert inked, file.name
        assert all(abs(colour.red() - 200) < 4 and colour.green() < 40 for colour in inked), file.name
