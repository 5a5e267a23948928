"""Searching real photographs: ranks equal those of a plain reference, operators work, and faults are reported."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from tests.engine.miniature import all_vectors
from tests.photos import CAPTIONS, parts

from picsight_engine.language import lexicon
from picsight_engine.language.query import ONLY_LESS, parse
from picsight_engine.library import Library
from picsight_engine.runtime.text_embedder import TextEmbedder
from picsight_engine.store.opening import open_database


class Reference:
    """The same search in float64 over what the database holds, one line an operator."""

    def __init__(self, folder, bundle) -> None:
        self.embedder = TextEmbedder(bundle)
        db = open_database(folder, create=False)
        self.ids, vectors = all_vectors(db, bundle.manifest.space_id)
        self.vectors = vectors.astype(np.float64)
        db.close()

    def term(self, text: str) -> np.ndarray:
        return self.embedder.embed_ranking(text).astype(np.float64)

    def ranked(self, *directions: np.ndarray) -> list[tuple[int, float]]:
        scores = np.max([self.vectors @ direction for direction in directions], axis=0)
        order = np.lexsort((self.ids, -scores))
        return [(int(self.ids[row]), float(scores[row])) for row in order]


@pytest.fixture(scope="module")
def reference(indexed, bundle):
    return Reference(indexed, bundle)


def turned_away(wanted: np.ndarray, less: np.ndarray) -> np.ndarray:
    direction = wanted - 0.5 * less
    return direction / np.linalg.norm(direction)


def assert_same(answer, expected) -> None:
    """Strong matches come first; apart from that the order is the reference's."""
    ranked = sorted(answer.results, key=lambda result: -result.score)
    assert [result.score for result in ranked] == pytest.approx([score for _, score in expected], abs=1e-5)
    assert [result.id for result in ranked] == [photo_id for photo_id, _ in expected]
    assert [*answer.results] == sorted(ranked, key=lambda result: result.match != "strong")


@pytest.mark.parametrize("text", ["dog", "two people on a mountain", "big", "water -people"])
def test_a_search_ranks_as_a_plain_reference_does(library, reference, text):
    direction = reference.term(text.partition(" -")[0])
    if " -" in text:
        direction = turned_away(direction, reference.term(text.partition(" -")[2]))
    assert_same(library.search(text, limit=48), reference.ranked(direction))


def test_alternatives_score_as_the_best_of_their_terms(library, reference):
    answer = library.search("dog | beach", limit=48)
    assert_same(answer, reference.ranked(reference.term("dog"), reference.term("beach")))


def test_less_of_something_holds_for_every_alternative(library, reference):
    less = reference.term("grass")
    directions = [turned_away(reference.term(text), less) for text in ("dog", "child")]
    assert_same(library.search("dog -grass | child", limit=48), reference.ranked(*directions))


def test_captions_find_their_photographs(library, captions):
    """Four photographs in parts: what is found first is a part of the one that the caption describes."""
    wanted = [parts(len(captions))[place].subject for place in range(4)]
    subjects = {path: wanted[place % 4] for place, path in enumerate(captions)}
    right = []
    for subject in wanted:
        for caption in CAPTIONS[subject]:
            found = library.search(caption, limit=5, least="all").results
            right.append([subjects[result.path] == subject for result in found])
            assert right[-1][0], caption
    assert np.mean(right) > 0.95


def test_an_answer_says_what_was_searched(library, captions, bundle):
    answer = library.search("a dog", limit=3)
    assert (answer.query, answer.space, answer.photos) == ("a dog", bundle.manifest.space_id, len(captions))
    assert answer.milliseconds > 0
    assert len(answer.results) == 3
    first = answer.results[0]
    assert first.path.is_absolute()
    assert first.path in captions
    assert (first.place, first.width, first.height) == (None, 224, 224)
    scores = [result.score for result in answer.results]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("text", ["", "   ", "\x00\x01", "|", "--", '""'])
def test_a_blank_query_finds_nothing(library, text):
    answer = library.search(text)
    assert (answer.query, answer.results, answer.faults) == (text, (), ())
    assert answer.photos == 48


def test_only_less_finds_nothing_and_says_why(library):
    answer = library.search("-people")
    assert answer.results == ()
    assert [fault.message for fault in answer.faults] == [ONLY_LESS]


def test_similar_photos_leave_out_the_photo_itself(library, reference, captions):
    path = next(iter(captions))
    photo_id = library.photos.details(path).id
    row = int(np.flatnonzero(reference.ids == photo_id)[0])
    expected = [pair for pair in reference.ranked(reference.vectors[row]) if pair[0] != photo_id]
    answer = library.similar(path, limit=48)
    assert answer.query == str(path)
    assert_same(answer, expected)
    assert library.similar(photo_id, limit=5).results == answer.results[:5]


def test_many_threads_get_the_answers_of_one(indexed, bundle):
    texts = ["dog", "beach | snow", "child -grass", "a man climbing a rock"] * 3
    with Library.open(indexed, bundle) as library:
        found: dict[int, tuple[object, ...]] = {}
        start = threading.Barrier(len(texts))

        def search(number: int) -> None:
            start.wait()  # the text tower and the matrix are opened by all at once
            found[number] = library.search(texts[number], limit=5).results

        threads = [threading.Thread(target=search, args=(number,)) for number in range(len(texts))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [found[number] for number in range(len(texts))] == [
            library.search(text, limit=5).results for text in texts
        ]


@pytest.fixture(scope="module")
def german(indexed, bundle):
    with Library.open(indexed, bundle) as library:
        library.languages = ("de",)
        yield library


@pytest.mark.parametrize(
    ("typed", "english"),
    [("Hund im Schnee", "dog in the snow"), ("Hund -Gras", "dog -grass"), ("Hund | Strand", "dog | beach")],
)
def test_words_of_another_language_give_the_results_and_evidence_of_the_english_ones(
    german, library, typed, english
):
    found, expected = german.search(typed, limit=48), library.search(english, limit=48)
    assert found.results == expected.results
    assert " | ".join(found.translation.readings) == english
    assert (expected.translation, german.search(english).translation) == (None, None)


def test_something_that_no_photo_shows_is_not_strong_in_any_reading(german, library):
    answer = german.search("Bank im Weltraum", least="strong")
    assert len(answer.translation.readings) > 1
    assert answer.results == library.search("bench in outer space", least="strong").results == ()


def test_words_as_typed_and_of_a_model_that_knows_the_language_are_not_translated(
    german, library, bundle, indexed
):
    typed = library.search("Hund im Schnee", limit=48).results
    as_typed = replace(parse("Hund im Schnee"), as_typed=True)
    assert (
        german.search(as_typed, limit=48).results
        == typed
        != german.search("Hund im Schnee", limit=48).results
    )
    text = replace(bundle.manifest.text, languages=("*",))
    with Library.open(indexed, replace(bundle, manifest=replace(bundle.manifest, text=text))) as polyglot:
        polyglot.languages = ("de",)
        assert polyglot.search("Hund im Schnee", limit=48).results == typed


def test_plain_english_needs_no_lexicon_and_without_one_other_words_are_searched_as_typed(
    german, library, monkeypatch, tmp_path
):
    monkeypatch.setattr(lexicon, "BUILT", tmp_path)
    lexicon.lexicon_of.cache_clear()
    assert german.search("dog in the snow").faults == ()
    (fault,) = german.search("Hund im Schnee").faults
    assert "The German lexicon is missing or damaged" in str(fault.message)
    assert german.search("Hund im Schnee").results == library.search("Hund im Schnee").results
    assert german.translation_of(["dog in the snow"]) is german.translation_of(["Hund"]) is None


def test_names_are_searched_as_typed(german, captions):
    photo = next(iter(captions))
    assert german.search(photo.stem, limit=1).results[0].path == photo
