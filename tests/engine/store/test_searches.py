"""The history of searches, and those that a person keeps."""

from __future__ import annotations

import random

import pytest

from picsight_engine.errors import RequestError
from picsight_engine.store import searches
from picsight_engine.store.searches import (
    delete_search,
    forget_history,
    forget_search,
    history,
    move_search,
    remember_search,
    rename_search,
    restore_search,
    save_search,
    saved_searches,
)


def queries(db) -> list[str]:
    return [past.query for past in history(db)]


def test_the_latest_search_comes_first_and_each_stands_once(db):
    for query in ("dog", "cat", " dog ", "", "  ", "sunset -people"):
        remember_search(db, query)
    assert queries(db) == ["sunset -people", "dog", "cat"]
    assert [past.times for past in history(db)] == [1, 2, 1]
    assert [past.query for past in history(db, 2)] == ["sunset -people", "dog"]
    forget_search(db, "dog")
    assert queries(db) == ["sunset -people", "cat"]


def test_a_query_that_is_no_text_is_remembered_as_far_as_it_is(db):
    remember_search(db, "caf\udce9")
    assert queries(db) == ["caf?"]


def test_the_history_keeps_the_latest_thousand(db):
    with db.writer() as connection:
        connection.executemany(
            "INSERT INTO searches (query, used_at) VALUES (?, ?)",
            [(f"query {number}", float(number)) for number in range(searches.MOST_HISTORY)],
        )
    remember_search(db, "query 5")
    remember_search(db, "dog")
    assert len(queries(db)) == searches.MOST_HISTORY
    assert queries(db)[:2] == ["dog", "query 5"]
    assert "query 0" not in queries(db)


def test_emptying_the_history_leaves_what_is_kept(db):
    kept = save_search(db, "Dogs", "dog")
    remember_search(db, "dog")
    forget_history(db)
    assert (queries(db), saved_searches(db)) == ([], [kept])


def test_kept_searches_stand_in_the_persons_order_with_their_names(db):
    first, second, third = (save_search(db, name, "dog") for name in ("Dogs", "Dogs", " Hunde "))
    assert [search.name for search in saved_searches(db)] == ["Dogs", "Dogs", "Hunde"]
    move_search(db, third.id, 0)
    rename_search(db, second.id, "Dog's best")
    told = [(search.id, search.name, search.position) for search in saved_searches(db)]
    assert told == [(third.id, "Hunde", 0), (first.id, "Dogs", 1), (second.id, "Dog's best", 2)]
    assert queries(db) == []


def test_a_search_that_is_deleted_comes_back_as_itself_to_its_place(db):
    saved = [save_search(db, f"Search {number}", "dog") for number in range(5)]
    chance = random.Random(1)
    gone = [delete_search(db, search.id) for search in chance.sample(saved, 4)]
    for search in (*reversed(gone), gone[0]):
        restore_search(db, search)
    assert saved_searches(db) == saved
    delete_search(db, saved[-1].id)
    assert save_search(db, "New", "cat").id > saved[-1].id  # an id is never used again


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda db: save_search(db, " ", "dog"), "needs a name"),
        (lambda db: save_search(db, "Dogs", " "), "empty search"),
        (lambda db: rename_search(db, 1, ""), "needs a name"),
        (lambda db: rename_search(db, 1, "Dogs"), "not there"),
        (lambda db: move_search(db, 1, 0), "not there"),
        (lambda db: delete_search(db, 1), "not there"),
    ],
)
def test_what_cannot_be_kept_or_found_is_a_sentence(db, act, sentence):
    remember_search(db, "history")  # has the number 1, and is not kept
    with pytest.raises(RequestError, match=sentence):
        act(db)
    assert queries(db) == ["history"]
