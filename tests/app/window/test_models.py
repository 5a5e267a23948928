"""The dialog of models: plain words, a licence before a download, progress and cancel, use and remove."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from tests.app.window.conftest import SPACE, TERMS, tabbed, wait_until_indexed, words_in

from picsight import locations
from picsight.settings import SettingsStore
from picsight.window.models.rows import BLURBS, ModelAction, rows_of
from picsight.window.models.view import ModelsDialog
from picsight_engine.installation.catalogue import CATALOGUE
from picsight_engine.installation.model_offers import ModelOffer
from picsight_engine.store.library_folder import choose_model

STARTER = "picsight-starter"


def opened_dialog(qtbot, window):
    window.models.show()
    dialog = window.models.dialog
    qtbot.waitUntil(lambda: bool(dialog.rows))
    return dialog


def click(qtbot, button):
    assert button is not None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def wait_for_button(qtbot, dialog, name, action):
    def there():
        button = dialog.rows[name].button(action) if name in dialog.rows else None
        return button is not None and button.isVisibleTo(dialog)

    qtbot.waitUntil(there)
    return dialog.rows[name].button(action)


def wait_for_words(qtbot, dialog, name, words):
    qtbot.waitUntil(lambda: name in dialog.rows and words in words_in(dialog.rows[name]).split("\n"))


def test_every_model_of_the_catalogue_has_plain_words():
    assert BLURBS.keys() == {STARTER, *(entry.name for entry in CATALOGUE)}


def offer(name, **changes):
    usual = (name, "Title", "", "available", False, TERMS, None, 215_000_000, 1000, 900.0, False, False)
    return replace(ModelOffer(*usual), **changes)


LONG = "about 15 minutes for your library"


@pytest.mark.parametrize(
    ("changes", "facts", "state", "actions"),
    [
        ({"photos": 0, "state": "installed"}, "has read your photos", "Installed", ("REMOVE", "USE")),
        ({"photos": 10, "seconds": 9.0}, "under a minute for the rest of your library", "", ("INSTALL",)),
        ({"state": "unfinished"}, LONG, "Partly downloaded", ("REMOVE", "CONTINUE")),
        ({"state": "damaged", "wanted": True}, LONG, "", ("AGAIN",)),
        (
            {"state": "installed", "wanted": True},
            LONG,
            "Reads your photos; \u2068Small\u2069 answers meanwhile",
            (),
        ),
    ],
)
def test_the_state_of_a_model_decides_its_buttons(changes, facts, state, actions):
    old = offer(STARTER, state="installed", shipped=True, answers=True)
    row = rows_of([old, offer("mobileclip-s0", **changes)], 1000, ["mobileclip-s0"])[1]
    assert (row.facts, row.state) == (f"215 MB · {facts}", state)
    assert [action.name for action in row.actions] == list(actions)


def look_at(qtbot, window, words):
    """Searches, and looks at the answer until better models are mentioned."""
    qtbot.keyClicks(window.frame.box.line, f"{words} ")
    qtbot.waitUntil(lambda: window.search.place.words == words)
    assert window.hint.looked_at.isActive()
    window.hint.looked_at.timeout.emit()
    window.frame.box.line.clear()


def test_a_search_without_strong_matches_leads_to_the_models(qtbot, model_window, small_library):
    window = model_window(copy=small_library)
    wait_until_indexed(qtbot, window)
    hint = window.frame.hint
    look_at(qtbot, window, "cat")
    assert "strong" in {photo.match for photo in window.frame.model.wall.results}
    assert not hint.isVisible()
    look_at(qtbot, window, "tag:nothing")  # of names and facts no model knows more
    assert not hint.isVisible()
    window.frame.box.clear_button.click()
    look_at(qtbot, window, "quarterly tax return")
    assert hint.isVisible()
    qtbot.keyClicks(window.frame.box.line, "cat ")  # a strong answer takes it away
    qtbot.waitUntil(lambda: not hint.isVisible())
    window.frame.box.line.clear()
    look_at(qtbot, window, "quarterly tax return")
    qtbot.keyClicks(window.frame.box.line, "in:2031 ")  # and so does one of facts alone
    qtbot.waitUntil(lambda: window.search.place.words == "in:2031")
    assert not hint.isVisible()
    window.frame.box.clear_button.click()
    look_at(qtbot, window, "quarterly tax return")
    window.frame.show_chrome(shown=False)  # full screen
    assert not hint.isVisible()
    window.frame.show_chrome(shown=True)
    assert hint.isVisible()
    click(qtbot, hint.better)
    dialog = window.models.dialog
    qtbot.waitUntil(lambda: list(dialog.rows) == [STARTER, "other"])
    assert "In use" in words_in(dialog.rows[STARTER])
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_the_hint_about_better_models_is_dismissed_for_good(qtbot, model_window, small_library, tmp_path):
    window = model_window(copy=small_library)
    wait_until_indexed(qtbot, window)
    look_at(qtbot, window, "quarterly tax return")
    assert window.frame.hint.dismiss.accessibleName() == "Do not mention better models again"
    qtbot.mouseClick(window.frame.hint.dismiss, Qt.MouseButton.LeftButton)
    look_at(qtbot, window, "marginal cost curve")
    assert not window.frame.hint.isVisible()
    assert not SettingsStore(tmp_path / "library.toml").settings.better_models


def test_quality_and_licence_stand_in_the_list_and_names_only_where_they_are_asked_for(qtbot, model_window):
    dialog = opened_dialog(qtbot, model_window())
    assert "For personal use" in words_in(dialog.rows[STARTER])
    assert "quality 2 of 5" in dialog.rows[STARTER].accessibleName()
    assert "be-kind-1" in words_in(dialog.rows["other"])
    assert STARTER not in words_in(dialog.rows[STARTER])
    click(qtbot, dialog.details)
    assert STARTER in words_in(dialog.rows[STARTER])
    assert 'href="https://example.org/licence"' in words_in(dialog.rows["other"])


ALL_NAMES = [STARTER, *(entry.name for entry in CATALOGUE)]


def catalogue_offers(**seconds):
    shipped = offer(STARTER, state="installed", shipped=True, answers=True, wanted=True, photos=0)
    names = [entry.name for entry in CATALOGUE]
    return [shipped, *(offer(name, seconds=seconds.get(name.replace("-", "_"), 900.0)) for name in names)]


def test_three_models_stand_in_front_and_one_is_recommended_that_does_not_take_too_long():
    rows = rows_of(catalogue_offers(), 1000, ALL_NAMES)
    assert [row.title for row in rows if row.in_front] == ["Small", "Good answers", "Many languages"]
    assert [row.title for row in rows if row.recommended] == ["Many languages"]
    slow = rows_of(catalogue_offers(siglip2_b16=50_000.0), 100_000, ALL_NAMES)
    assert [row.title for row in slow if row.recommended] == ["Good answers"]
    slower = rows_of(catalogue_offers(siglip2_b16=50_000.0, clip_b32_laion=20_000.0), 100_000, ALL_NAMES)
    assert [row.title for row in slower if row.recommended] == ["Good answers"]


def test_no_model_is_recommended_beside_one_as_good():
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
    click(qtbot, dialog.all)
    assert dialog.rows["mobileclip-b"].isVisible()
    click(qtbot, dialog.all)
    states = {"mobileclip-b": "installed"}
    offers = [replace(each, state=states.get(each.name, each.state)) for each in catalogue_offers()]
    dialog.show_rows(rows_of(offers, 1000, ALL_NAMES))
    assert dialog.rows["mobileclip-b"].isVisible()
    dialog.resize(dialog.minimumSize())
    qtbot.waitUntil(lambda: len({line.y() for line in front}) == 3)


def test_nothing_is_fetched_before_the_licence_is_accepted(qtbot, model_window, server, models):
    dialog = opened_dialog(qtbot, model_window())
    click(qtbot, dialog.rows["other"].button(ModelAction.INSTALL))
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


def test_a_model_is_installed_used_and_removed(
    qtbot, model_window, models, small_library, monkeypatch, tmp_path
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    window = model_window(copy=small_library)
    wait_until_indexed(qtbot, window)
    dialog = opened_dialog(qtbot, window)
    assert "for your library" in words_in(dialog.rows["other"])
    click(qtbot, dialog.rows["other"].button(ModelAction.INSTALL))
    click(qtbot, dialog.licence.accept)
    use = wait_for_button(qtbot, dialog, "other", ModelAction.USE)
    assert models.verify("other").manifest.space_id == SPACE
    click(qtbot, use)
    wait_for_words(qtbot, dialog, "other", "In use")
    assert window.library._library.bundle.manifest.space_id == SPACE
    assert not window.library.has_small_model()
    click(qtbot, wait_for_button(qtbot, dialog, STARTER, ModelAction.USE))
    wait_for_words(qtbot, dialog, STARTER, "In use")
    assert window.library._library.bundle.manifest.name == STARTER
    choose_model(locations.library_folder(), "other")
    click(qtbot, wait_for_button(qtbot, dialog, "other", ModelAction.REMOVE))
    box = qtbot.question(dialog)
    assert f"The library in \u2068{locations.library_folder()}\u2069 uses it" in box.informativeText()
    assert box.textFormat() is Qt.TextFormat.PlainText
    qtbot.press(box, "Remove")
    wait_for_button(qtbot, dialog, "other", ModelAction.INSTALL)
    assert [model.name for model in models.all()] == [STARTER]


def test_the_keyboard_stays_with_the_model_that_is_installed(qtbot, model_window, small_library):
    window = model_window(copy=small_library)
    wait_until_indexed(qtbot, window)
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


def test_an_installation_shows_its_progress_stops_and_resumes(qtbot, model_window, server, models):
    shelf, _ = server
    shelf.held = threading.Event()
    dialog = opened_dialog(qtbot, model_window())
    line = dialog.rows["other"]
    click(qtbot, line.button(ModelAction.INSTALL))
    click(qtbot, dialog.licence.accept)
    qtbot.waitUntil(lambda: "Downloading · " in words_in(line))
    assert line.cancel.accessibleName() == "Cancel installing Other"
    assert line._progress.maximum() == 1000
    assert not dialog.file.isEnabled()
    click(qtbot, line.cancel)
    shelf.go_on.set()
    again = wait_for_button(qtbot, dialog, "other", ModelAction.CONTINUE)
    assert "Partly downloaded" in words_in(line)
    assert again.isEnabled()
    shelf.held = None
    click(qtbot, again)
    click(qtbot, dialog.licence.accept)
    wait_for_button(qtbot, dialog, "other", ModelAction.USE)
    models.verify("other")


def test_the_reason_of_a_failed_installation_is_shown_in_the_row_of_the_model(qtbot, model_window, server):
    server[0].files.clear()
    dialog = opened_dialog(qtbot, model_window())
    line = dialog.rows["other"]
    click(qtbot, line.button(ModelAction.INSTALL))
    click(qtbot, dialog.licence.accept)
    qtbot.waitUntil(lambda: "404" in words_in(line))
    assert "could not be downloaded" in words_in(line)


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
