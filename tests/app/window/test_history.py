"""Changes are undone in their order; those that no longer apply are skipped."""

from __future__ import annotations

import pytest

from picsight.window.status.history import History
from picsight.window.status.line import StatusLine


@pytest.fixture
def history(qtbot):
    """A history whose changes record what they do in `steps`."""
    status = StatusLine()
    qtbot.addWidget(status)
    views = ["wall"]
    made = History(status, lambda: views[-1], status)
    made.steps, made.status, made.views = [], status, views

    def note(name, holds=lambda: True):
        def step(way):
            def run(ended):
                made.steps.append(f"{way} {name}")
                ended(True)

            return run

        made.add(name, step("undo"), step("redo"), holds)

    made.note = note
    return made


def test_changes_that_no_longer_apply_are_skipped_in_both_directions(history):
    holds = {"draft": True}
    history.note("first")
    for name in ("an example", "another"):
        history.note(name, lambda: holds["draft"])
    history.undo()
    holds["draft"] = False
    history.undo()
    assert history.steps == ["undo another", "undo first"]
    history.undo()
    assert "nothing to undo" in history.status.words()
    history.redo()
    history.redo()
    assert history.steps[2:] == ["redo first"]
    assert "nothing to redo" in history.status.words()


def test_other_news_that_repeats_the_words_of_a_change_does_not_undo_it_in_another_view(history):
    history.note("Moved 3 files.")
    history.status.show_sentence("Moved 3 files. Look at them in the file browser.")
    history.views.append("viewer")
    history.undo()
    assert history.steps == []


def test_changes_during_an_undo_are_added_after_it(history):
    running = []
    history.add("slow", running.append, lambda ended: ended(True))
    history.undo()
    history.note("quick")
    history.note("quicker")
    running[0](True)
    assert history.status.words() == "quicker"
    history.undo()
    history.undo()
    assert history.steps == ["undo quicker", "undo quick"]
    history.undo()
    assert "nothing to undo" in history.status.words()
    history.redo()
    assert history.steps[2:] == ["redo quick"]


def test_a_change_made_in_another_view_is_named_before_it_is_undone(history):
    history.note("Moved 3 files.")
    history.status._expire()
    history.views.append("viewer")
    history.undo()
    assert history.steps == []
    assert history.status.words() == "Done in another view: Moved 3 files."
    history.undo()
    assert history.steps == ["undo Moved 3 files."]
    history.note("Rated it.")
    history.status._expire()
    history.undo()
    assert history.steps[1:] == ["undo Rated it."]
    history.views.append("wall")
    history.status._expire()
    history.redo()
    assert history.steps[2:] == []
    history.redo()
    assert history.steps[2:] == ["redo Rated it."]
