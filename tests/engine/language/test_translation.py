"""Words of other languages become English ones, English words stay, and the shipped lexicons are whole."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from picsight_engine.bundles.commonness import is_surely_english
from picsight_engine.foundation.errors import LexiconError
from picsight_engine.language.lexicon import BUILT, LANGUAGES, Lexicon, key_of, lexicon_of
from picsight_engine.language.query import parse
from picsight_engine.language.translation import MOST_READINGS, language_of, translate

SOURCES = Path(__file__).resolve().parents[3] / "packaging" / "lexicons"


def read(language, typed):
    found = translate(parse(typed), [language])
    return None if found is None else found.readings


@pytest.mark.parametrize(
    ("language", "typed", "english"),
    [
        ("de", "Hund im Schnee", "dog in the snow"),
        ("de", "HUNDE IM SCHNEE", "dogs in the snow"),  # inflected, in capitals
        ("de", "Hund -Leine", "dog -leash"),
        ("de", "Maedchen", "girl"),  # without umlauts on the keyboard
        ("de", "Betonbrücke", "concrete bridge"),  # a compound, no entry
        ("de", "Hundegesicht", "dog face"),  # with linking letters
        ("fr", "chien noir", "black dog"),  # adjectives before nouns
        ("fr", "l'arc-en-ciel", "rainbow"),
        ("fr", "fleurs roses", "pink flowers"),  # the adjective among its senses, and a plural
        ("es", "luces moradas", "purple lights"),
        ("es", "bicicleta roja", "red bicycle"),
        ("es", "bicicletas rojas", "red bicycles"),
        ("it", "cane nero", "black dog"),
        ("pt", "cachorro preto", "black dog"),
        ("nl", "rode fiets", "red bike"),
        ("pt", "avô e avó", "grandfather and grandmother"),  # words that differ by accents alone
        ("fr", "où est mon vélo", "my bicycle"),
        ("es", "barcos de vela", "sailboats"),  # plurals of phrases
        ("fr", "arcs-en-ciel", "rainbows"),
        ("pt", "guarda-sóis na praia", "parasols on the beach"),
        ("es", "perros grandes", "large dogs"),  # no English plural of "grand"
        ("es", "boda de Lucía y Tomás", "Lucía wedding and Tomás"),  # a name, not a form of "tomar"
        ("it", "barche da pesca", "fishing boats"),
        ("it", "vacanze estive in Grecia", "summer holiday in greece"),
        ("es", "helado de fresa", "strawberry ice cream"),
        ("es", "foto de playa", "beach photo"),
        ("es", "cabaña en el bosque con niebla", "hut in the forest misty"),  # "in the forest" is no noun
        ("fr", "photos de Marie à la plage", "photo of Marie at the beach"),
        ("es", "Madrid de noche", "madrid at night"),
        ("it", "bottiglia di latte", "bottle of milk"),
        ("nl", "vader met baby", "father with baby"),  # words that are also rare English ones
        ("fr", "chats noirs", "black cats"),
        ("it", "estate 2018", "summer 2018"),
        ("fr", "match de foot", "soccer game"),  # a phrase of words that are all English too
        ("nl", "tante Els", "aunt Els"),
        ("fr", "portrait d'un vieil homme", "portrait of an elderly man"),
    ],
)
def test_a_query_becomes_english(language, typed, english):
    assert read(language, typed)[0] == english


def test_weights_pictures_and_facts_stay_and_every_alternative_is_translated():
    found = translate(parse('Hund^2 Strand | Katze -Leine in:2019 "IMG" \\Baum like:#4'), ["de"]).query
    assert [str(term) for term in found.alternatives] == ["dog^2 beach", "cat \\Baum like:#4"]
    assert [str(part) for part in (*found.less, *found.facts)] == ["leash", "in:2019", '"IMG"']


def test_senses_are_a_few_alternatives_and_unknown_words_stay_and_are_named():
    found = translate(parse("Bank am Xyzzysee"), ["de"])
    assert 1 < len(found.readings) <= MOST_READINGS
    assert {"bench", "bank"} == {reading.split()[0] for reading in found.readings}
    assert all(reading.endswith("Xyzzysee") for reading in found.readings)
    assert found.unknown == ("Xyzzysee",)


@pytest.mark.parametrize(
    ("language", "typed", "wrong"),
    [
        ("de", "zwei Hunde", "two dog"),  # a number has no further sense
        ("es", "papá con bebé", "potato with baby"),
        ("pt", "três meninas", "three boy"),
        ("de", "alte Dampflok", "old woman steam locomotive"),  # no noun before a noun
    ],
)
def test_an_alternative_is_another_sense_of_the_words(language, typed, wrong):
    assert wrong not in read(language, typed)


@pytest.mark.parametrize(("language", "typed", "english"), [("fr", "chat", "cat"), ("fr", "pain", "bread")])
def test_one_word_of_both_languages_is_english_unless_the_language_is_set_and_then_is_both(
    language, typed, english
):
    assert translate(parse(typed), ()) is None
    assert {typed, english} <= set(read(language, typed))


def test_of_several_languages_the_words_decide():
    assert translate(parse("perro en la nieve"), [*LANGUAGES]).language == "es"
    assert translate(parse("Hund im Schnee"), [*LANGUAGES]).language == "de"


@pytest.mark.parametrize(
    ("typed", "language"),
    [
        ("Hund im Schnee", "de"),
        ("chien dans la neige", "fr"),
        ("cachorro na neve", "pt"),  # its words are Spanish ones, too, but this is one entry
        ("Hund Zzyzx", None),  # a word of no language
        ("arm", None),  # English, too
        ("gift in a hut", None),
        ("\\Hund", None),
        ("in:2019", None),
    ],
)
def test_the_language_of_a_query_has_all_its_words_of_which_some_are_not_english(typed, language):
    assert language_of(parse(typed), [*LANGUAGES]) == language


def test_hardly_an_english_search_is_taken_for_another_language(shared):
    lines = (shared / "data" / "flickr8k-dev-translations.jsonl").read_text(encoding="utf-8").splitlines()
    pairs = [json.loads(line) for line in lines[:20]]
    assert not [pair["en"] for pair in pairs if language_of(parse(pair["en"]), [*LANGUAGES])]
    assert (
        sum(language_of(parse(" ".join(pair["de"].split()[:3])), [*LANGUAGES]) == "de" for pair in pairs) > 15
    )


def test_english_captions_are_never_changed(shared):
    """Whatever language is set. The bench `languages` checks all captions and all everyday searches. That many are seen to
    be English without a lexicon.
    """
    with tarfile.open(shared / "data" / "flickr8k-dev-000000.tar") as shard:
        texts = [json.loads(shard.extractfile(each).read()) for each in shard if each.name.endswith(".json")]
    captions = [caption for text in texts for caption in text["captions"]][::50]
    assert len(captions) == 100
    assert [each for each in captions if translate(parse(each), [*LANGUAGES])] == []
    assert sum(map(is_surely_english, captions)) > 70
    assert not any(map(is_surely_english, ("chat", "l'or", "Hund im Schnee", "estate 2018", "café bar", "")))


@pytest.mark.parametrize("typed", ["Hund 猫 собака 🐕 كلب", "Hund\u0000\ud800", "''' - | ''"])
def test_any_text_can_be_read(typed):
    found = translate(parse(typed), [*LANGUAGES])
    assert found is None or (found.readings[0].startswith("dog") and "Hund" not in found.unknown)


def test_signs_and_numbers_do_not_count_as_unknown_words():
    assert translate(parse("Hund 🐕 2018 собака"), ["de"]).unknown == ("собака",)


def test_of_ten_thousand_words_no_fewer_are_translated_than_models_read():
    assert read("de", "Hund " * 10_000)[0].split() == ["dog"] * 128
    assert read("fr", "le chien " * 10_000)[0].split() == ["dog"] * 64


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_shipped_lexicon_is_sorted_and_has_the_words_of_its_list(language):
    entries = (SOURCES / f"{language}.tsv").read_text("utf-8").splitlines()
    assert len(entries) >= 5000
    rows = (BUILT / f"{language}.tsv").read_bytes().splitlines()[1:]
    keys = [row.partition(b"\t")[0] for row in rows]
    assert keys == sorted(set(keys))
    assert sum(map(len, rows)) < 750_000
    lexicon = lexicon_of(language)
    for row in keys[::50]:
        assert lexicon.find(row.decode()).readings
    sample = [entry.partition("\t")[0] for entry in entries[::20] if not entry.startswith("#")]
    found = [word for word in sample if lexicon.find(key_of(word))]
    assert len(found) > 0.95 * len(sample)  # words may be added before the next build


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-9],
        lambda _: b"",
        lambda text: text.replace(b"# picsight lexicon 1 de", b"# picsight lexicon 1 fr"),
    ],
)
def test_a_damaged_lexicon_is_refused(damage):
    with pytest.raises(LexiconError, match="The German lexicon is missing or damaged"):
        Lexicon("de", damage((BUILT / "de.tsv").read_bytes()))
