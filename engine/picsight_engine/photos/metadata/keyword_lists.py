"""The lists of keywords in an XMP packet, which programs write in different ways: what each means, and what an export added."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from picsight_engine.photos.metadata.xmp_tree import items, qualified

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from lxml.etree import _ElementTree


SUBJECT = qualified("dc:subject")
HIERARCHICAL = qualified("lr:hierarchicalSubject")
TAGS_LIST = qualified("digiKam:TagsList")
# The lists that an export writes, each with the property in which a side-car notes our additions.
NOTED = {
    TAGS_LIST: qualified("picsight:TagsList"),
    HIERARCHICAL: qualified("picsight:HierarchicalSubject"),
    SUBJECT: qualified("picsight:Subject"),
}
# The lists of keywords, best first, and the separator of names in each. Windows writes its namespace with and without the
# final slash.
DIVIDERS: dict[str, str | None] = {
    TAGS_LIST: "/",
    HIERARCHICAL: "|",
    qualified("MicrosoftPhoto:LastKeywordXMP"): "/",
    "{http://ns.microsoft.com/photo/1.0}LastKeywordXMP": "/",
    SUBJECT: None,  # plain words
}
# The lists that darktable and Adobe's programs leave as they are.
LISTS_LEFT = tuple(name for name, divider in DIVIDERS.items() if divider == "/")
_TOOLKIT = qualified("x:xmptk")
# Internal keywords of darktable and digiKam.
_INTERNAL = frozenset(["darktable", "_digikam_internal_tags_"])
Keyword = tuple[str, ...]  # its parents first, its own name last


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of keywords by name, as written; `cut` restores names that darktable shortened: list, part, whole.

    `gone` entries were `noted` by an export in three of them and removed by other programs since, or stand only in a list
    that the last program does not write. `flat` plain words only name a part of a longer keyword: darktable writes the
    parents of each, and a program that removes a keyword may leave its name.
    """

    texts: dict[str, list[str]]
    noted: dict[str, list[str]]
    cut: list[tuple[str, str, str]]
    gone: list[Keyword]
    flat: set[str]

    def without(self, entries: Mapping[str, Collection[str]]) -> Lists:
        """The lists without these entries."""
        left = {name: set(texts) for name, texts in entries.items()}
        kept = {
            name: [text for text in texts if text not in left.get(name, ())]
            for name, texts in self.texts.items()
        }
        return replace(self, texts=kept)

    def keywords(self) -> list[Keyword]:
        """Every keyword once, without `flat` plain words and `gone` entries."""
        plain = (keyword_of(text, None) for text in self.texts[SUBJECT] if text not in self.flat)
        found: dict[Keyword, Keyword] = {}
        for path in (*keywords_with_parents(self.texts), *plain):
            found.setdefault(tuple(map(same_name, path)), path)
        left = {*self.gone}
        return [path for key, path in found.items() if key and key[0] not in _INTERNAL and path not in left]


def keyword_of(text: str, divider: str | None) -> Keyword:
    """A keyword from a program's spelling, `divider` None for a plain word; our own separator never stays in a name."""
    names = (name.strip().replace("/", "|") for name in (text.split(divider) if divider else [text]))
    return tuple(name for name in names if name)


def written_form(path: Keyword, name: str) -> str:
    """A keyword in the form of one of the lists; within a name "/" and "|" are swapped if "|" separates names there."""
    divider = DIVIDERS[name]
    if divider is None:
        return path[-1]
    return divider.join(part.replace("|", "/") if divider == "|" else part for part in path)


def read_lists(tree: _ElementTree) -> Lists:
    """The lists, compared with the notes of an export; darktable writes two of the three, and cuts an entry at its first comma."""
    texts = {name: items(tree, name) for name in DIVIDERS}
    noted = {name: items(tree, note) for name, note in NOTED.items()}
    ours = [keyword_of(text, DIVIDERS[name]) for name in (TAGS_LIST, HIERARCHICAL) for text in noted[name]]
    left_over = _left_over(tree, texts)
    there, kept = ({name: set(lists[name]) for name in NOTED} for lists in (texts, noted))
    letters = {name: set(map(_letters, there[name])) for name in NOTED if any(ours) or left_over}
    cut, gone = [], []
    for path in filter(None, dict.fromkeys((*ours, *left_over))):
        left = keyword_of(written_form(path, HIERARCHICAL).partition(",")[0], "|") or path
        forms = [(name, written_form(left, name), written_form(path, name)) for name in NOTED]
        cut += [
            (name, part, whole)
            for name, part, whole in forms
            if part in there[name] and whole not in there[name] and part not in kept[name]
        ]
        rewritten = NOTED if path in ours else {HIERARCHICAL}
        if any(letters[name].isdisjoint(map(_letters, parts)) for name, *parts in forms if name in rewritten):
            gone.append(path)
    for name in NOTED:
        wholes = {part: whole for each, part, whole in cut if each == name}
        texts[name] = [wholes.get(text, text) for text in texts[name]]
    paths = keywords_with_parents(texts)
    parents = {same_name(part) for path in paths if len(path) > 1 for part in path}
    halves = {same_name(path[-1]) for path in gone if len(path) > 1}
    alone = {same_name(path[0]) for path in paths if len(path) == 1}
    flat = {
        text
        for text in texts[SUBJECT]
        if same_name(text) in (parents | halves if text in kept[SUBJECT] else parents) - alone
    }
    return Lists(texts, noted, cut, gone, flat)


def _left_over(tree: _ElementTree, texts: Mapping[str, Sequence[str]]) -> list[Keyword]:
    """The keywords in lists of digiKam and Windows, if a program that leaves these lists as they are wrote last.

    darktable adds keywords with its own name to the lists that it writes, Adobe's programs name their toolkit.
    """
    left = [keyword_of(text, "/") for name in LISTS_LEFT for text in texts[name]]
    heads = {path[0] for path in left if path}
    is_darktable = (
        any(text.startswith("darktable|") for text in texts[HIERARCHICAL]) and "darktable" not in heads
    )
    is_adobe = tree.getroot().get(_TOOLKIT, "").startswith("Adobe XMP Core") and bool(texts[HIERARCHICAL])
    return left if is_darktable or is_adobe else []


def keywords_with_parents(texts: Mapping[str, Sequence[str]]) -> list[Keyword]:
    """The entries of all lists except the plain words."""
    return [
        keyword_of(text, divider) for name, divider in DIVIDERS.items() if divider for text in texts[name]
    ]


def same_name(name: str) -> str:
    """A key of a name; names with equal keys are one keyword."""
    return name.strip().replace("/", "|").casefold()


def _letters(text: str) -> str:
    """The common part of all spellings of a keyword: its letters and digits, without accents, if it has any."""
    found = filter(str.isalnum, unicodedata.normalize("NFKD", text).casefold())
    return "".join(found) or same_name(text)
