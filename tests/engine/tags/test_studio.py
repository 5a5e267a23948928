"""The preview of a tag: live scores, borderline cases, and how well the tag has learnt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.kennel import DIM, put_near

from picsight_engine.foundation.errors import RequestError
from picsight_engine.language.lexicon import LANGUAGES
from picsight_engine.store.files import files_of
from picsight_engine.store.tagging.decisions import decided
from picsight_engine.store.tagging.pairs import mark_missing, mark_returned, pair
from picsight_engine.tags.quality import ENOUGH, Preview, confidence, confusion


def previewed(kennel, *args, **kwargs):
    preview = kennel.tags.preview(*args, **kwargs)
    return preview, dict(zip(preview.ids.tolist(), preview.scores.tolist(), strict=True))


def test_a_preview_shows_the_tags_suggestions_and_stores_nothing(kennel):
    before = kennel.state(), kennel.tags.revision
    alike, unlike = kennel.others[:2], kennel.dogs[:1]
    preview, scores = previewed(kennel, ["dog"], alike, unlike)
    assert set(scores) == {*kennel.dogs, *kennel.others}
    assert (kennel.state(), kennel.tags.revision) == before
    inside = preview.inside()
    made = kennel.tags.new("Dogs", prompts=["dog"], examples=alike, against=unlike)
    assert len(inside) == made.suggested
    assert set(inside) == set(kennel.album.found("tag:dogs"))
    rest = [scores[photo] for photo in inside if photo not in alike]
    assert rest == sorted(rest, reverse=True)


def test_a_preview_of_an_existing_tag_includes_its_decisions(kennel):
    kennel.tags.new("Dogs", prompts=["dog"])
    kennel.tags.decide("Dogs", kennel.others[:10], "accepted")
    kennel.tags.decide("Dogs", kennel.dogs[:1], "rejected")
    taught, known = previewed(kennel, ["dog"], tag="dogs")
    assert previewed(kennel, ["dog"])[1] != known
    assert set(kennel.others[:10]) <= set(taught.inside(1.0))
    assert kennel.dogs[0] not in taught.inside(0.0)
    suggested = dict(kennel.tags.suggest("dogs"))
    assert {photo: known[photo] for photo in suggested} == pytest.approx(suggested)


ENGLISH = ["dog", "dog in the snow", "a child, running on the beach"]
GOLDEN = [0.808429, 0.953065, 0.329972, 0.046691, 0.03767, 0.268316, 0.02688, 0.07724, 0.158597, 0.053777]
# The scores of every tenth photo, recorded before tags were translated.


@pytest.mark.parametrize("languages", [(), tuple(LANGUAGES)])
def test_english_words_score_the_same_in_any_set_language(kennel, languages):
    kennel.album.library.languages = languages
    _, scores = previewed(kennel, ENGLISH, kennel.others[:1])
    assert [*scores.values()][::10] == pytest.approx(GOLDEN, abs=1e-6)
    assert kennel.album.library.translation_of(ENGLISH) is None


def test_words_in_another_language_suggest_the_same_as_english_ones_and_stay_as_typed(kennel):
    library, expected = kennel.album.library, kennel.tags.new("Dogs", prompts=["dog"])
    assert kennel.tags.new("As typed", prompts=["Hund"]).suggested < expected.suggested
    library.languages = ("de",)
    tag = kennel.tags.new("Hunde", prompts=["Hund"])
    assert (tag.prompts, kennel.holding("Hunde")) == (("Hund",), kennel.holding("Dogs"))
    assert previewed(kennel, ["Hund"])[1] == previewed(kennel, ["dog"])[1]
    kennel.tags.decide("Hunde", kennel.others[:3], "accepted")
    kennel.tags.decide("Dogs", kennel.others[:3], "accepted")
    assert kennel.tags.statistics("Hunde") == kennel.tags.statistics("Dogs")
    assert kennel.tags.suggest("Hunde") == kennel.tags.suggest("Dogs")
    library.languages = ()
    assert kennel.tags.suggest("Hunde") != kennel.tags.suggest("Dogs")


def test_each_text_of_a_tag_is_translated_alone_and_a_backslash_keeps_a_word(kennel):
    kennel.album.library.languages = ("de",)
    typed = ["puppy", "Hund im Schnee", "Bank", "\\Bank mit Xyzzy", "Hund Xyzzy"]
    found = kennel.album.library.translation_of(typed)
    assert found.readings == ("puppy", "dog in the snow", "bench", "Bank", "Bank with Xyzzy", "dog Xyzzy")
    assert (found.language, found.unknown) == ("de", ("Xyzzy",))
    kennel.album.library.languages = ()
    assert kennel.album.library.translation_of(["\\Bank"]).readings == ("Bank",)


def test_a_draft_without_words_and_examples_is_refused(kennel):
    with pytest.raises(RequestError, match="a few words or an example photo"):
        kennel.tags.preview(against=kennel.others[:1])


@given(
    st.lists(st.floats(0, 1, width=32), max_size=30),
    st.sets(st.integers(0, 29), max_size=4),
    st.floats(0, 1),
    st.integers(0, 40),
)
def test_border_cases_are_the_nearest_of_both_sides_in_turn(scores, decided, threshold, most):
    preview = Preview(
        np.arange(len(scores)), np.array(scores, np.float32), frozenset(decided), frozenset(), threshold
    )
    border = preview.border(most)
    open_ones = [row for row in range(len(scores)) if row not in decided]
    assert len(border) == min(most, len(open_ones))
    assert set(border) <= set(open_ones)
    distance = [abs(scores[row] - threshold) for row in border]
    assert distance == pytest.approx(sorted(distance))
    sides = [
        [row for row in open_ones if (np.float32(scores[row]) >= threshold) == side] for side in (True, False)
    ]
    kept = [[row for row in border if row in side] for side in sides]
    for chosen, side in zip(kept, sides, strict=True):
        left = [abs(scores[row] - threshold) for row in side if row not in chosen]
        assert max((abs(scores[row] - threshold) for row in chosen), default=0) <= min(left, default=1) + 1e-6
    if all(len(chosen) < len(side) for chosen, side in zip(kept, sides, strict=True)):
        assert abs(len(kept[0]) - len(kept[1])) <= 1


def test_statistics_hold_decisions_precision_and_border_cases(kennel):
    kennel.tags.new("Dogs", prompts=["dog"])
    nothing = kennel.tags.statistics("Dogs")
    assert (nothing.decided, nothing.precision, nothing.confidence, nothing.more) == (
        0,
        None,
        "learning",
        ENOUGH,
    )
    kennel.tags.decide("Dogs", kennel.dogs[:3], "accepted")
    kennel.tags.decide("Dogs", kennel.dogs[3:4], "rejected")
    kennel.tags.decide("Dogs", kennel.others[:2], "rejected")  # which had not been suggested
    statistics = kennel.tags.statistics("Dogs", border=6)
    assert (statistics.decided, statistics.accepted, statistics.rejected, statistics.more) == (6, 3, 3, 0)
    assert statistics.precision == 3 / 4
    assert len(statistics.border) == 6
    assert not {*kennel.dogs[:4], *kennel.others[:2]} & {*statistics.border}
    kennel.tags.undo()
    assert kennel.tags.statistics("Dogs").decided == 4


def test_a_pair_teaches_a_tag_once_even_if_its_raw_file_was_decided_by_itself(kennel):
    """The RAW leaves its pair and comes back, as on a card that is read twice: from then on it has the decisions, too."""
    db, word = kennel.album.db, kennel.album.library._searcher.terms.vector("dog")
    raw = put_near(kennel.album, 900, word, 0.3, np.random.default_rng(9).normal(size=DIM))

    def go(*, away):
        files = [file.id for file in files_of(db, kennel.album.folder_id) if file.name == b"000.cr2"]
        with db.writer() as connection:
            mark_missing(connection, files, 1.0) if away else mark_returned(connection, files)

    with db.writer() as connection:
        connection.execute("UPDATE files SET name = ? WHERE photo_id = ?", (b"000.cr2", raw))
        pair(connection, kennel.album.folder_id, b"000.cr2")
    kennel.tags.new("Dogs", prompts=["dog"], examples=[*kennel.others[:1], kennel.dogs[0]])
    kennel.tags.decide("Dogs", kennel.others[1:6], "accepted")
    kennel.tags.decide("Dogs", kennel.dogs[:1], "rejected")
    scores, statistics = previewed(kennel, ["dog"], tag="Dogs")[1], kennel.tags.statistics("Dogs")
    go(away=True)
    go(away=False)
    with db.reading() as connection:
        assert decided(connection, kennel.tags.find("Dogs").id)[raw] == "rejected"
    assert previewed(kennel, ["dog"], tag="Dogs")[1] == scores
    assert kennel.tags.statistics("Dogs") == statistics


def test_a_tag_whose_decisions_agree_becomes_sure_and_one_whose_decisions_do_not_never_does(kennel):
    kennel.tags.new("Dogs", prompts=["dog"])
    kennel.tags.decide("Dogs", kennel.dogs[:7], "accepted")
    assert kennel.tags.statistics("Dogs").confidence == "not sure"  # nothing was rejected yet
    kennel.tags.decide("Dogs", kennel.others[:9], "rejected")
    sure = kennel.tags.statistics("Dogs")
    assert (sure.right, sure.confidence) == (16, "quite sure")
    kennel.tags.new("Anything", prompts=["sea"])
    kennel.tags.decide("Anything", kennel.others[20:40:2], "accepted")
    kennel.tags.decide("Anything", kennel.others[21:41:2], "rejected")
    unsure = kennel.tags.statistics("Anything")
    assert unsure.right < 20
    assert unsure.confidence == "not sure"


def test_a_tag_becomes_surer_with_right_judgements_of_both_sides():
    assert confidence((2, 2), (0, 0)) == "learning"
    assert confidence((3, 3), (0, 0)) == "fairly sure"
    assert confidence((7, 7), (0, 0)) == "quite sure"
    assert confidence((40, 6), (0, 0)) == "fairly sure"
    assert confidence((500, 0), (0, 0)) == "not sure"
    assert confidence((33, 9), (3, 1)) == "fairly sure"
    assert confidence((60, 60), (40, 40)) == "not sure"
    assert confusion({1: 0.9, 2: 0.1, 3: 0.9, 4: 0.4}, frozenset({1, 2}), 0.5) == ((1, 1), (1, 1))
