"""What was done is taken back in its order; what does not hold any more is passed over."""

from __future__ import annotations

import pytest

from picsight.window.history import History
from picsight.window.library.status import StatusLine


@pytest.fixture
def history(qtbot):
    """A stack of deeds that note what is done; `told` has it."""
    status = StatusLine()
    qtbot.addWidget(status)
    views = ["wall"]
    made = History(status, lambda: views[-1], status)
    made.told, made.status, made.views = [], status, views

    def note(name, holds=lambda: True):
        def step(way):
            def run(ended):
                made.told.append(f"{way} {name}")
                ended(True)

            return run

        made.add(name, step("undo"), step("redo"), holds)

    made.note = note
    return made


def test_deeds_of_what_is_gone_are_passed_over_in_both_directions(history):
    holds = {"draft": True}
    history.note("first")
    for name in ("an example", "another"):
        history.note(name, lambda: holds["draft"])
    history.undo()
    holds["draft"] = False
    history.undo()
    assert history.told == ["undo another", "undo first"]
    history.undo()
    assert "nothing to undo" in history.status.words()
    history.redo()
    history.redo()
    assert history.told[2:] == ["redo first"]
    assert "nothing to redo" in history.status.words()


def test_what_is_done_while_a_deed_is_taken_back_is_noted_once_that_has_ended(history):
    running = []
    history.add("slow", running.append, lambda ended: ended(True))
    history.undo()
    history.note("quick")
    history.note("quicker")
    running[0](True)
    assert history.status.words() == "quicker"
    history.undo()
    history.undo()
    assert history.told == ["undo quicker", "undo quick"]
    history.undo()
    assert "nothing to undo" in history.status.words()
    history.redo()
    assert history.told[2:] == ["redo quick"]


def test_what_was_done_in_another_view_is_named_before_it_is_taken_back(history):
    history.note("Moved 3 files.")
    history.status._expire()
    history.views.append("viewer")
    history.undo()
    assert history.told == []
    assert history.status.words() == "Done in another view: Moved 3 files."
    history.undo()
    assert history.told == ["undo Moved 3 files."]
    history.note("Rated it.")
    history.status._expire()
    history.undo()
    assert history.told[1:] == ["undo Rated it."]
    history.views.append("wall")
    history.status._expire()
    history.redo()
    assert history.told[2:] == []
    history.redo()
    assert history.told[2:] == ["redo Rated it."]
