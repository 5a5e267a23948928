"""The history of searches, and those that a person keeps."""

from __future__ import annotations

import random

import pytest

from picsight_engine.foundation.errors import RequestError
from picsight_engine.store.tagging.searches import MOST_HISTORY, Searches


@pytest.fixture
def searches(db) -> Searches:
    return Searches(db)


def test_the_latest_search_comes_first_and_each_stands_once(db, searches):
    for query in ("dog", "cat", " dog ", "", "  ", "sunset -people"):
        searches.remember(query)
    assert searches.history() == ["sunset -people", "dog", "cat"]
    assert db.column("SELECT times FROM searches ORDER BY used_at DESC") == [1, 2, 1]


def test_the_history_keeps_the_latest_thousand(db, searches):
    with db.writer() as connection:
        connection.executemany(
            "INSERT INTO searches (query, used_at) VALUES (?, ?)",
            [(f"query {number}", float(number)) for number in range(MOST_HISTORY)],
        )
    searches.remember("query 5")
    searches.remember("dog")
    assert len(searches.history()) == MOST_HISTORY
    assert searches.history()[:2] == ["dog", "query 5"]
    assert "query 0" not in searches.history()


def test_saved_searches_keep_their_order_and_names(searches):
    first, second, third = (searches.save(name, "dog") for name in ("Dogs", "Dogs", " Hunde "))
    assert [search.name for search in searches.saved()] == ["Dogs", "Dogs", "Hunde"]
    searches.rename(second.id, "Dog's best")
    searches_kept = [(search.id, search.name, search.position) for search in searches.saved()]
    assert searches_kept == [(first.id, "Dogs", 0), (second.id, "Dog's best", 1), (third.id, "Hunde", 2)]
    assert searches.history() == []


def test_a_restored_search_keeps_its_id_and_place(searches):
    saved = [searches.save(f"Search {number}", "dog") for number in range(5)]
    chance = random.Random(1)
    gone = [searches.delete(search.id) for search in chance.sample(saved, 4)]
    for search in (*reversed(gone), gone[0]):
        searches.restore(search)
    assert searches.saved() == saved
    searches.delete(saved[-1].id)
    assert searches.save("New", "cat").id > saved[-1].id  # an id is never used again


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda searches: searches.save(" ", "dog"), "needs a name"),
        (lambda searches: searches.save("Dogs", " "), "empty search"),
        (lambda searches: searches.rename(1, ""), "needs a name"),
        (lambda searches: searches.delete(1), "no longer exists"),
    ],
)
def test_invalid_requests_for_saved_searches_are_refused(searches, act, sentence):
    searches.remember("history")  # has the number 1, and is not kept
    with pytest.raises(RequestError, match=sentence):
        act(searches)
    assert searches.history() == ["history"]
