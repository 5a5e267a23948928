"""Tags in the sidebar: a click shows what is in one, photos dropped on it belong to it, its menu changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from picsight.window.search.place import Place
from picsight.window.tags.wording import query_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from picsight.window.library.sidebar import Sidebar
    from picsight.window.pages import Pages
    from picsight.window.tags.deeds import TagDeeds
    from picsight_engine.tags.tree import Tag


class TagLines(QObject):
    """Joins the sidebar's tags to the wall and to what is done with them."""

    def __init__(self, sidebar: Sidebar, pages: Pages, deeds: TagDeeds) -> None:
        super().__init__(sidebar)
        self._deeds = deeds
        sidebar.tag_requested.connect(lambda tag: pages.go(Place(query_of(tag))))
        sidebar.photos_dropped.connect(self._accept)

    def _accept(self, tag: Tag, photos: Sequence[int | Path]) -> None:
        self._deeds.decide(tag, photos, "accepted")
