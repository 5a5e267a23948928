"""Names of folders, files and models are shown as they are, wherever they come: no markup, nothing outside of them turned."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtGui import QAction, QTextDocument
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QLabel, QTextEdit, QToolTip, QWidget
from tests.app.window.conftest import index_photos, wait_for_photos, wait_until_indexed

from picsight.window.parts.words import isolated, linked, plain, tooltip
from picsight.window.search.place import Place
from picsight_engine.bundles.bundle import Licence, open_bundle, write_bundle

# A heading, another picture, an entity, a mnemonic; a turn of direction, the end of an isolate, an open one, a new line.
FILE = "<h1>big<img src='x.png'>&amp; a&b \u202egpj\u2069\u2067\nlast"
WORDS = "<h1>big</h1><img src='x.png'>&amp; a&b \u202egpj\u2069\u2067\nlast"
UNRULY = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066\u2067]")


class Tags(HTMLParser):
    """The tags of a piece of markup, with where they lead or what they load."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found = []
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, {name: value for name, value in attrs if name in ("href", "src")}))


def faults_of_tooltip(words: str) -> list[str]:
    """A tooltip that Qt takes for markup may hold our paragraph only."""
    tags = Tags(words).found if GuiQt.mightBeRichText(words) else []
    found = [f"tooltip loads or lays out {tag}" for tag in tags if tag != ("p", {})]
    return found + [fault for line in rendered(words).split("\n") for fault in faults_of_line(line)]


def faults_of_label(label: QLabel) -> list[str]:
    words, format_ = label.text(), label.textFormat()
    if format_ == Qt.TextFormat.RichText:
        found = [(tag, where.get("href", "")) for tag, where in Tags(words).found]
        return [f"link is {tag} to {to}" for tag, to in found if tag != "a" or not to.startswith("http")]
    automatic = format_ == Qt.TextFormat.AutoText and GuiQt.mightBeRichText(words)
    rich = automatic or format_ == Qt.TextFormat.MarkdownText
    return ["label is markup"] * rich + faults_of_line(words)


def faults_of_line(words: str) -> list[str]:
    """Nothing in it breaks the line or reaches beyond the end of a name."""
    depths = [0]
    for sign in re.findall("[\u2068\u2069]", words):
        depths.append(depths[-1] + (1 if sign == "\u2068" else -1))
    return ["a name leaks"] * bool(UNRULY.search(words) or min(depths) < 0 or depths[-1])


def faults_of_mnemonic(words: str) -> list[str]:
    """A name on a button or in a menu would lose its "&"."""
    return ["a name is a mnemonic"] * ("a&b" in words.replace("&&", ""))


def faults_of_items(view: QAbstractItemView, below: QModelIndex) -> list[str]:
    model, found = view.model(), []
    for row in range(model.rowCount(below)):
        index = model.index(row, 0, below)
        found += faults_of_items(view, index)
        while index.isValid():
            found += faults_of_line(str(index.data() or ""))
            found += faults_of_tooltip(str(index.data(Qt.ItemDataRole.ToolTipRole) or ""))
            found += faults_of_tooltip(str(index.data(Qt.ItemDataRole.StatusTipRole) or ""))
            index = index.siblingAtColumn(index.column() + 1)
    return found


def faults(window: QWidget) -> list[str]:
    """The places in a window and its dialogs where foreign words are not shown as they are."""
    found = []
    for widget in (window, *window.findChildren(QWidget)):
        mine = faults_of_line(widget.windowTitle())
        for words in (widget.toolTip(), widget.statusTip(), widget.whatsThis()):
            mine += faults_of_tooltip(words)
        if isinstance(widget, QLabel):
            mine += faults_of_label(widget)
        if isinstance(widget, QTextEdit):
            mine.append("a QTextEdit reads pasted and set words as markup")
        if isinstance(widget, QAbstractButton):
            mine += faults_of_mnemonic(widget.text())
        if isinstance(widget, QAbstractItemView):
            mine += faults_of_items(widget, QModelIndex())
        found += [f"{widget!r}: {fault}" for fault in mine]
    for action in window.findChildren(QAction):
        found += [f"{action!r}: {fault}" for fault in faults_of_mnemonic(action.text())]
    return found


def rendered(tip: str) -> str:
    """What a tooltip shows."""
    if not GuiQt.mightBeRichText(tip):
        return tip
    document = QTextDocument()
    document.setHtml(tip)
    return document.toPlainText()


def says(window: QWidget, kind: type[QLabel] = QLabel) -> bool:
    """Whether a label shows the hostile name now."""
    return any("big" in label.text() for label in window.findChildren(kind) if label.isVisibleTo(window))


@pytest.fixture(scope="module")
def hostile(few_photos, tmp_path_factory):
    """A folder and photos, one of them damaged, with hostile names."""
    folder = tmp_path_factory.mktemp("hostile") / FILE
    folder.mkdir()
    for number, photo in enumerate(sorted(few_photos.iterdir())):
        shutil.copyfile(photo, folder / f"{FILE}{number}.jpg")
    (folder / f"{FILE}9.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def hostile_library(bundle, hostile, tmp_path_factory):
    """The folder of a library of these photos."""
    return index_photos(tmp_path_factory.mktemp("library"), bundle, hostile)


@pytest.fixture
def window(model_window, hostile_library, qtbot):
    """The window on that library, indexed."""
    window = model_window(copy=hostile_library)
    wait_until_indexed(qtbot, window)
    wait_for_photos(qtbot, window, 3)
    return window


def test_photos_folders_and_problems_are_shown_by_their_names(window, hostile, qtbot):
    assert faults(window) == []
    photo = window.frame.model.photo(0)
    tip = window.frame.model.index(0).data(Qt.ItemDataRole.ToolTipRole)
    assert rendered(tip).startswith(plain(photo.path.name))
    side = window.frame.sidebar.findChild(QAbstractItemView).model()
    tips = [rendered(side.index(row, 0).data(Qt.ItemDataRole.ToolTipRole)) for row in range(side.rowCount())]
    assert plain(str(hostile)) in tips

    window.pages.open_photo(0)
    assert says(window.frame.viewer_page)
    assert rendered(window.frame.viewer_page._title.toolTip()) == plain(str(photo.path))
    assert faults(window) == []
    window.frame.viewer_page.stage.show_sentence(WORDS)
    assert faults(window) == []

    window.pages.more_like(photo)
    qtbot.waitUntil(lambda: window.search.place.has_pictures)
    assert faults(window) == []
    window.pages.go(Place(folder=hostile))
    qtbot.waitUntil(lambda: window.search.place.folder is not None)
    assert says(window.frame.wall_page)
    assert faults(window) == []

    window.pages.show_problems()
    (problem,) = window.frame.problems_model.shown()
    window.frame.problems.table.setCurrentIndex(window.frame.problems_model.find(problem.path))
    assert says(window.frame.problems)
    assert faults(window) == []


def test_typed_words_and_sentences_of_the_engine_are_shown_as_they_are(window, hostile):
    for tell, page in (
        (window.library_pages._fail, window.frame.failure),
        (window.search._fail, window.frame.wall_page.notice),
        (window.frame.status.show_sentence, window.frame.status),
        (window.frame.status.show_stopped, window.frame.status),
        (window.frame.status.show_unread, window.frame.status),
        (window.frame.first_run.say, window.frame.first_run),
        (window.frame.wall_page.say, window.frame.wall_page),
    ):
        tell(WORDS)
        assert says(page), tell
        assert faults(window) == []
    window.search.place = Place(folder=hostile)
    window.search.explain_empty_wall()
    assert says(window.frame.wall_page.notice)
    window.frame.box.set_text(WORDS)
    window.frame.drop_overlay.say(WORDS)
    assert faults(window) == []


def test_a_folder_s_menu_and_the_question_show_its_name(window, hostile, qtbot):
    window.library_pages._show_folder_menu(hostile, QPoint())
    window.library_pages._confirm_removal(hostile)
    box = qtbot.question(window)
    assert says(box)
    assert box.textFormat() == Qt.TextFormat.PlainText
    assert faults(window) == []
    box.close()


def test_a_model_of_a_stranger_is_shown_by_its_words(model_window, parcel, tmp_path, qtbot):
    made = open_bundle(parcel)
    licence = Licence(WORDS, f"javascript:alert('{WORDS}')", accept=True)
    manifest = replace(made.manifest, title=WORDS, licence=licence)
    files = {name: parcel / name for name in manifest.files}
    folder = write_bundle(tmp_path / "stranger", manifest, files).folder
    window = model_window()
    window.models.install_file(folder)
    dialog = window.models.dialog
    qtbot.waitUntil(lambda: dialog.asks_for_licence)
    assert says(dialog.licence)
    assert faults(window) == []
    dialog.licence.accepted.emit()
    qtbot.waitUntil(lambda: "mine" in window.models._rows)
    dialog.details.setChecked(True)
    dialog.show_sentence(WORDS)
    dialog.rows["mine"].show_fault(WORDS)
    assert says(dialog.rows["mine"])
    assert faults(window) == []
    window.models._confirm_removal("mine")
    box = qtbot.question(dialog)
    assert says(box)
    assert faults(window) == []
    box.close()


def test_a_name_ends_where_its_isolate_does():
    assert isolated("a\u2069b") == "\u2068a\ufffdb\u2069"
    assert isolated("a\u202e\u2067\nb") == "\u2068a\ufffd\ufffd\ufffdb\u2069"
    assert isolated("a\u2068b") == "\u2068a\ufffdb\u2069"
    hebrew = "שלום\u200f.jpg"  # a mark of direction turns nothing but what it stands beside
    assert isolated(hebrew) == f"\u2068{hebrew}\u2069"
    sentence = f"There is no {isolated('a.jpg')} here."
    assert plain(sentence) == sentence


def test_a_tooltip_shows_tags_as_letters_and_keeps_its_lines(qapp):
    assert tooltip("a & b", "", "&amp;") == "a & b\n&amp;"
    tip = tooltip("<b>  a</b> &amp;", "12 May")
    assert rendered(tip) == "<b>  a</b> &amp;\n12 May"
    QToolTip.showText(QPoint(), tip)
    assert QToolTip.text() == tip
    QToolTip.hideText()


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "javascript:x", "HTTPS"])
def test_only_a_page_of_the_web_is_a_link(url):
    assert linked("<i>free</i>", url) == "&lt;i&gt;free&lt;/i&gt;"
    assert linked("free", 'https://x.org/"><img>') == '<a href="https://x.org/&quot;&gt;&lt;img&gt;">free</a>'
