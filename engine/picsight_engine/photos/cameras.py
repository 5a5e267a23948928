"""Cameras as people call them."""

from __future__ import annotations

import re

# What companies add to their names, and what only their papers say.
_COMPANY = re.compile(
    r"[\s,.]+(?:corporation|corp|company|co|ltd|inc|gmbh|ag|imaging|optical|camera|cameras|computer|electric|electronics"
    r"|techwin|technology|technologies|mobile communications|communications|photo film)\b[\s,.]*",
    re.IGNORECASE,
)
_CALLED = {
    "eastman kodak": "Kodak",
    "fuji": "Fujifilm",
    "hewlett-packard": "HP",
    "lge": "LG",
    "om digital solutions": "OM System",
    "research in motion": "BlackBerry",
    "seiko epson": "Epson",
}
_LONGEST = 100  # characters of a maker's name
_SHORT = 3  # letters of a name that stays in capitals: HTC, DJI
# Makers whose cameras carry another name, by which they are known.
_KNOWN_ALONE = frozenset(["apple"])
_BRANDS = frozenset(["pentax", "leica", "blackberry", "kodak"])


def camera_name(make: str | None, model: str | None) -> str | None:
    """The model as the file has it, with its maker in front once: "Canon EOS 600D", "Nikon D70", "iPhone 13 Pro"."""
    maker = _maker(make or "")
    model = (model or "").strip()
    if not model or not maker:
        return model or maker or None
    first, _, rest = model.partition(" ")
    known = {maker.casefold(), maker.split()[0].casefold()} | _BRANDS
    if model.casefold().startswith(f"{maker.casefold()} "):
        return f"{maker}{model[len(maker) :]}"
    if first.casefold() in known:
        return f"{_styled(first)} {rest}" if rest else _styled(first)
    if maker.casefold() in _KNOWN_ALONE or model.casefold().startswith(maker.casefold()):
        return model
    return f"{maker} {model}"


def _maker(make: str) -> str:
    name = " ".join(make[:_LONGEST].split())
    while (shorter := _COMPANY.sub(" ", name).strip(" ,.")) != name:
        name = shorter
    return _CALLED.get(name.casefold(), " ".join(map(_styled, name.split())))


def _styled(word: str) -> str:
    """Capitals are for short names; the other names of makers have one."""
    return word.capitalize() if word.islower() or (word.isupper() and len(word) > _SHORT) else word
