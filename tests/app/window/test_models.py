"""The dialog of models: plain words, a licence before anything is fetched, progress and cancel, use, remove."""

from __future__ import annotations

import threading
import zipfile
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox
from tests.app.window.conftest import tabbed, wait_until_read, words_in

from picsight import locations
from picsight.window.models.rows import PLAIN, ModelAction, rows_of
from picsight.window.models.view import ModelsDialog
from picsight_engine.bundles.bundle import Licence
from picsight_engine.installation.catalogue import CATALOGUE
from picsight_engine.installation.model_offers import ModelOffer
from picsight_engine.store.library_folder import choose_model

SPACE = "00112233445566aa"
STARTER = "picsight-starter"
TERMS = Licence("be-kind-1", "https://example.org/licence", accept=True)


def opened_dialog(qtbot, window):
    window.models.show()
    dialog = window.models.dialog
    qtbot.waitUntil(lambda: bool(dialog.rows))
    return dialog


def press(qtbot, button):
    assert button is not None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def wait_for_button(qtbot, dialog, name, act):
    def there():
        button = dialog.rows[name].button(act) if name in dialog.rows else None
        return button is not None and button.isVisibleTo(dialog)

    qtbot.waitUntil(there)
    return dialog.rows[name].button(act)


def wait_for_words(qtbot, dialog, name, words):
    qtbot.waitUntil(lambda: name in dialog.rows and words in words_in(dialog.rows[name]).split("\n"))


def test_every_model_of_the_catalogue_has_plain_words():
    assert PLAIN.keys() == {STARTER, *(entry.name for entry in CATALOGUE)}


def offer(name, **changes):
    usual = ModelOffer(
        name, "Its Own Title", "", "available", False, TERMS, None, 215_000_000, 1000, 900.0, False, False
    )
    return replace(usual, **changes)


@pytest.mark.parametrize(
    ("changes", "facts", "state", "acts"),
    [
        (
            {"photos": 0, "state": "installed"},
            "has read your photos",
            "Installed",
            (ModelAction.REMOVE, ModelAction.USE),
        ),
        (
            {"photos": 10, "seconds": 9.0},
            "under a minute for the rest of your library",
            "",
            (ModelAction.INSTALL,),
        ),
        (
            {"state": "unfinished"},
            "about 15 minutes for your library",
            "Partly downloaded",
            (ModelAction.REMOVE, ModelAction.CONTINUE),
        ),
        ({"state": "damaged", "wanted": True}, "about 15 minutes for your library", "", (ModelAction.AGAIN,)),
        (
            {"state": "installed", "wanted": True},
            "about 15 minutes for your library",
            "Reads your photos; \u2068Small\u2069 answers meanwhile",
            (),
        ),
    ],
)
def test_what_can_be_done_follows_from_where_a_model_stands(changes, facts, state, acts):
    old = offer(STARTER, state="installed", shipped=True, answers=True)
    row = rows_of([old, offer("mobileclip-s0", **changes)], 1000, ["mobileclip-s0"])[1]
    assert (row.facts, row.state, row.acts) == (f"215 MB · {facts}", state, acts)


def look_at(qtbot, window, words):
    """Search, and look at the answer for as long as it takes to be told of better models."""
    qtbot.keyClicks(window.frame.box.line, f"{words} ")
    qtbot.waitUntil(lambda: window.search.place.words == words)
    assert window.hint.looked_at.isActive()
    window.hint.looked_at.timeout.emit()
    window.frame.box.line.clear()


def test_a_search_without_a_certain_answer_leads_to_the_models_and_one_with_does_not(
    qtbot, model_window, read_few
):
    window = model_window(copy=read_few)
    wait_until_read(qtbot, window)
    hint = window.frame.hint
    look_at(qtbot, window, "airplane")
    assert "strong" in {photo.match for photo in window.frame.model.wall.results}
    assert not hint.isVisible()
    look_at(qtbot, window, "tag:nothing")  # of names and facts no model knows more
    assert not hint.isVisible()
    window.frame.box.clear_button.click()
    look_at(qtbot, window, "quarterly tax return")
    assert hint.isVisible()
    qtbot.keyClicks(window.frame.box.line, "airplane ")  # a strong answer takes it away
    qtbot.waitUntil(lambda: not hint.isVisible())
    window.frame.box.line.clear()
    look_at(qtbot, window, "quarterly tax return")
    window.frame.show_chrome(shown=False)  # full screen
    assert not hint.isVisible()
    window.frame.show_chrome(shown=True)
    assert hint.isVisible()
    press(qtbot, hint.better)
    dialog = window.models.dialog
    qtbot.waitUntil(lambda: list(dialog.rows) == [STARTER, "other"])
    assert "In use" in words_in(dialog.rows[STARTER])
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_the_line_about_better_models_goes_for_good_when_it_was_dismissed(qtbot, model_window, read_few):
    window = model_window(copy=read_few)
    wait_until_read(qtbot, window)
    look_at(qtbot, window, "quarterly tax return")
    assert window.frame.hint.dismiss.accessibleName() == "Do not mention better models again"
    qtbot.mouseClick(window.frame.hint.dismiss, Qt.MouseButton.LeftButton)
    look_at(qtbot, window, "marginal cost curve")
    assert not window.frame.hint.isVisible()
    with qtbot.waitSignal(window.closing) as kept:
        window.close()
    assert not kept.args[0].better_models


def test_quality_and_licence_stand_in_the_list_and_names_only_where_they_are_asked_for(qtbot, model_window):
    dialog = opened_dialog(qtbot, model_window())
    assert "For personal use" in words_in(dialog.rows[STARTER])
    assert "quality 2 of 5" in dialog.rows[STARTER].accessibleName()
    assert "be-kind-1" in words_in(dialog.rows["other"])
    assert STARTER not in words_in(dialog.rows[STARTER])
    press(qtbot, dialog.details)
    assert STARTER in words_in(dialog.rows[STARTER])
    assert 'href="https://example.org/licence"' in words_in(dialog.rows["other"])


ALL_NAMES = [STARTER, *(entry.name for entry in CATALOGUE)]


def catalogue_offers(**seconds):
    shipped = offer(STARTER, state="installed", shipped=True, answers=True, wanted=True, photos=0)
    return [
        shipped,
        *(offer(e.name, seconds=seconds.get(e.name.replace("-", "_"), 900.0)) for e in CATALOGUE),
    ]


def test_three_models_stand_in_front_and_one_is_recommended_that_does_not_take_too_long():
    rows = rows_of(catalogue_offers(), 1000, ALL_NAMES)
    assert [row.title for row in rows if row.in_front] == ["Small", "Good answers", "Many languages"]
    assert [row.title for row in rows if row.recommended] == ["Many languages"]
    slow = rows_of(catalogue_offers(siglip2_b16=50_000.0), 100_000, ALL_NAMES)
    assert [row.title for row in slow if row.recommended] == ["Good answers"]
    slower = rows_of(catalogue_offers(siglip2_b16=50_000.0, clip_b32_laion=20_000.0), 100_000, ALL_NAMES)
    assert [row.title for row in slower if row.recommended] == ["Good answers"]


def test_who_has_as_good_a_model_is_recommended_none():
    offers = [replace(each, wanted=each.name == "mobileclip-blt") for each in catalogue_offers()]
    assert not any(row.recommended for row in rows_of(offers, 1000, ALL_NAMES))


def test_the_other_models_are_shown_when_asked_for_or_when_one_of_them_is_here(qtbot):
    dialog = ModelsDialog()
    qtbot.addWidget(dialog)
    dialog.show_rows(rows_of(catalogue_offers(), 1000, ALL_NAMES))
    dialog.show()
    front = [dialog.rows[name] for name in (STARTER, "clip-b32-laion", "siglip2-b16")]
    assert len({line.y() for line in front}) == 1
    assert not dialog.rows["mobileclip-b"].isVisible()
    assert dialog.all.text() == "All models (7 more)"
    press(qtbot, dialog.all)
    assert dialog.rows["mobileclip-b"].isVisible()
    press(qtbot, dialog.all)
    offers = [
        replace(each, state="installed") if each.name == "mobileclip-b" else each
        for each in catalogue_offers()
    ]
    dialog.show_rows(rows_of(offers, 1000, ALL_NAMES))
    assert dialog.rows["mobileclip-b"].isVisible()
    dialog.resize(dialog.minimumSize())
    qtbot.waitUntil(lambda: len({line.y() for line in front}) == 3)


def test_nothing_is_fetched_before_the_licence_is_accepted(qtbot, model_window, server, models):
    dialog = opened_dialog(qtbot, model_window())
    press(qtbot, dialog.rows["other"].button(ModelAction.INSTALL))
    assert dialog.asks_for_licence
    assert dialog.licence.text.toPlainText() == "Be kind to photos."
    assert "be-kind-1" in dialog.licence.link.text()
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert dialog.asks_for_licence
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    assert not dialog.asks_for_licence
    assert server[0].requests == []
    assert [model.name for model in models.all()] == [STARTER]


def test_a_model_s_way_from_the_button_to_answers_and_out(
    qtbot, model_window, models, read_few, monkeypatch, tmp_path
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    window = model_window(copy=read_few)
    wait_until_read(qtbot, window)
    dialog = opened_dialog(qtbot, window)
    assert "for your library" in words_in(dialog.rows["other"])
    press(qtbot, dialog.rows["other"].button(ModelAction.INSTALL))
    press(qtbot, dialog.licence.accept)
    use = wait_for_button(qtbot, dialog, "other", ModelAction.USE)
    assert models.verify("other").manifest.space_id == SPACE
    press(qtbot, use)
    wait_for_words(qtbot, dialog, "other", "In use")
    assert window.library._library.bundle.manifest.space_id == SPACE
    assert not window.library.has_small_model()
    press(qtbot, wait_for_button(qtbot, dialog, STARTER, ModelAction.USE))
    wait_for_words(qtbot, dialog, STARTER, "In use")
    assert window.library._library.bundle.manifest.name == STARTER
    choose_model(locations.library_folder(), "other")
    press(qtbot, wait_for_button(qtbot, dialog, "other", ModelAction.REMOVE))
    qtbot.waitUntil(lambda: dialog.findChildren(QMessageBox) != [])
    (box,) = dialog.findChildren(QMessageBox)
    assert f"The library in \u2068{locations.library_folder()}\u2069 uses it" in box.informativeText()
    assert box.textFormat() is Qt.TextFormat.PlainText
    press(qtbot, next(button for button in box.buttons() if button.text() == "Remove"))
    wait_for_button(qtbot, dialog, "other", ModelAction.INSTALL)
    assert [model.name for model in models.all()] == [STARTER]


def test_the_keyboard_stays_with_the_model_and_never_comes_to_the_next_one_by_itself(
    qtbot, model_window, read_few
):
    window = model_window(copy=read_few)
    wait_until_read(qtbot, window)
    dialog = opened_dialog(qtbot, window)
    qtbot.keyClick(wait_for_button(qtbot, dialog, "other", ModelAction.INSTALL), Qt.Key.Key_Space)
    assert dialog.focusWidget() is dialog.licence.text
    dialog.licence.accept.setFocus()
    qtbot.keyClick(dialog.licence.accept, Qt.Key.Key_Space)
    assert dialog.focusWidget() is dialog.rows["other"].cancel
    use = wait_for_button(qtbot, dialog, "other", ModelAction.USE)
    assert dialog.focusWidget() is use
    qtbot.keyClick(use, Qt.Key.Key_Space)
    wait_for_words(qtbot, dialog, "other", "In use")
    assert dialog.focusWidget() is dialog.done_button


def test_an_installation_shows_how_far_it_is_stops_and_goes_on(qtbot, model_window, server, models):
    shelf, _ = server
    shelf.held = threading.Event()
    dialog = opened_dialog(qtbot, model_window())
    line = dialog.rows["other"]
    press(qtbot, line.button(ModelAction.INSTALL))
    press(qtbot, dialog.licence.accept)
    qtbot.waitUntil(lambda: "Downloading · " in words_in(line))
    assert line.cancel.accessibleName() == "Cancel installing Other"
    assert line._progress.maximum() == 1000
    assert not dialog.file.isEnabled()
    press(qtbot, line.cancel)
    shelf.go_on.set()
    again = wait_for_button(qtbot, dialog, "other", ModelAction.CONTINUE)
    assert "Partly downloaded" in words_in(line)
    assert again.isEnabled()
    shelf.held = None
    press(qtbot, again)
    press(qtbot, dialog.licence.accept)
    wait_for_button(qtbot, dialog, "other", ModelAction.USE)
    models.verify("other")


def test_why_an_installation_failed_stands_in_the_model_s_line(qtbot, model_window, server):
    server[0].files.clear()
    dialog = opened_dialog(qtbot, model_window())
    line = dialog.rows["other"]
    press(qtbot, line.button(ModelAction.INSTALL))
    press(qtbot, dialog.licence.accept)
    qtbot.waitUntil(lambda: "404" in words_in(line))
    assert "could not be downloaded" in words_in(line)


def test_a_model_from_a_file_shows_its_licence_and_no_markup_of_it(
    qtbot, model_window, parcel, models, tmp_path
):
    archive = tmp_path / "mine.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in parcel.iterdir():
            packed.write(path, path.name)
    window = model_window()
    dialog = opened_dialog(qtbot, window)
    window.models.install_file(archive)
    qtbot.waitUntil(lambda: dialog.asks_for_licence)
    press(qtbot, dialog.licence.accept)
    wait_for_button(qtbot, dialog, "mine", ModelAction.USE)
    press(qtbot, dialog.details)
    assert "&lt;b&gt;Mine" in words_in(dialog.rows["mine"])
    models.verify("mine")


def test_everything_is_reached_by_tab_and_has_a_name(qtbot, model_window):
    dialog = opened_dialog(qtbot, model_window())
    install = wait_for_button(qtbot, dialog, "other", ModelAction.INSTALL)
    assert dialog.focusWidget() is install
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    reached = [tabbed(dialog) for _stop in range(4)]
    names = [button.accessibleName() or button.text() for button in reached]
    assert names == ["Technical details", "Install from a file…", "Close", "Install Other"]
    assert dialog.rows[STARTER].accessibleName().startswith("Small, ")
