"""The texts of a bank: one line each, each once, and no text about an evaluation photo; WordNet's glosses."""

from __future__ import annotations

import gzip
import json
import shutil
from itertools import islice

import pytest
from tests.trainer.conftest import members_of, write_photos, write_shard

from mctrain.data.checks.leakage import evaluation_digests, shipped_digests
from mctrain.data.held_out import is_everyday
from mctrain.data.reinforced import bank_sources
from mctrain.data.reinforced.bank_sources import LONGEST, BankInputs, glosses
from mctrain.data.shards import samples
from mctrain.errors import DataError, LeakageError, RecipeError


def collect(sources, places, tell=lambda _: None):
    return bank_sources.collect(sources, places, tell)


def places_with(folder, *texts):
    (folder / "mine.txt").write_text("\n".join(texts), encoding="utf-8")
    return BankInputs(folder, (), shipped_digests())


def test_captions_and_class_prompts_come_as_distinct_lines(real_data):
    found = collect(["imagenet", "coco"], BankInputs(real_data, (), shipped_digests()))
    assert found["imagenet"][:3] == ("a photo of a tench.", "tench", "a picture of a tench.")
    assert len(found["imagenet"]) == 2994  # of 3000, six are repeated
    with gzip.open(real_data / "texts" / "coco-val2017-captions.txt.gz", "rt", encoding="utf-8") as file:
        lines = {" ".join(line.split()) for line in file}
    assert set(found["coco"]) <= lines
    assert len(found["coco"]) > 0.99 * len(lines)
    everything = [text for texts in found.values() for text in texts]
    assert len({text.casefold() for text in everything}) == len(everything)


def test_a_repeated_text_belongs_to_the_first_source(real_data, tmp_path):
    shutil.copy(real_data / "classnames.json", tmp_path)
    places = places_with(
        tmp_path, "Tench!", "  my  own\tdog ", "", " . ", "my own dog.", "x" * (LONGEST + 1), "x" * LONGEST
    )
    found = collect(["imagenet", "mine.txt"], places)
    assert found["mine.txt"] == ("my own dog", "x" * LONGEST)


def test_texts_about_evaluation_photos_stay_out_without_their_shards(real_data, tmp_path):
    captions = next(samples(real_data / "flickr8k-dev-000000.tar")).record["captions"]
    with (real_data / "flickr8k-dev-translations.jsonl").open(encoding="utf-8") as file:
        translated = json.loads(next(file))
    drawn = [s for s in samples(real_data / "photos-described-000000.tar.gz") if is_everyday(s.key, s.record)]
    searches = [query for s in drawn for query in s.record["queries"] if len(query.split()) > 2]
    texts = [
        *(text.upper() for text in captions),
        *(text.replace(" .", "!") for text in captions),
        *(translated[language] for language in ("en", "de", "fr", "cs")),
        *searches,
    ]
    places = places_with(tmp_path, *texts, "a text of my own")
    found = collect(["mine.txt"], places)
    assert found == {"mine.txt": ("a text of my own",)}


def test_texts_about_a_persons_evaluation_photos_stay_out_too(photo_sets, tmp_path):
    photo = next(samples(photo_sets / "flickr8k-train-000000.tar"))
    words = {
        "captions": ["Grandma cuts the cake"],
        "queries": ["cake with candles", "a cake"],
        "label": "black and white cat",
    }
    write_shard(tmp_path / "mine-dev-000000.tar", members_of(photo, json.dumps(words).encode()))
    (tmp_path / "asked.txt").write_text("who blows the candles\n", encoding="utf-8")
    kept = ("black and white cat", "a cake")
    places_with(tmp_path, "grandma cuts the cake.", "Cake with candles", "Who blows the candles?", *kept)
    known = evaluation_digests(tmp_path, ["mine-dev-*.tar"], ["asked.txt"])
    assert collect(["mine.txt"], BankInputs(tmp_path, (), known))["mine.txt"] == kept


def test_searches_come_from_all_photos_but_those_of_everyday_dev(photo_sets):
    shard = photo_sets / "photos-described-000000.tar.gz"
    found = collect(["queries"], BankInputs(photo_sets, (shard,), shipped_digests()))
    apart = [sample for sample in samples(shard) if is_everyday(sample.key, sample.record)]
    others = [sample for sample in samples(shard) if not is_everyday(sample.key, sample.record)]
    expected = {query for sample in others for query in sample.record["queries"]}
    assert set(found["queries"]) <= expected
    assert len(found["queries"]) > 0.95 * len(expected)
    only_there = {query for sample in apart for query in sample.record["queries"]} - expected
    assert only_there
    assert not only_there & set(found["queries"])


def test_a_sample_with_broken_words_has_no_searches(photo_sets, tmp_path):
    photo = next(samples(photo_sets / "flickr8k-train-000000.tar"))
    parts = members_of(photo, b'{"queries": [1]}', key="a")
    parts += members_of(photo, b'{"queries": ["brown dog"]}', key="b")
    shard = write_shard(tmp_path / "mine.tar", parts)
    assert collect(["queries"], BankInputs(tmp_path, (shard,), shipped_digests())) == {
        "queries": ("brown dog",)
    }


def test_searches_of_an_evaluation_shard_are_refused(real_data, tmp_path):
    stranger = next(samples(real_data / "flickr8k-dev-000000.tar"))
    words = json.dumps({"captions": [], "queries": ["a search"]}).encode()
    shard = write_shard(tmp_path / "mine.tar", members_of(stranger, words, key="renamed"))
    with pytest.raises(LeakageError, match="holds renamed, an evaluation photo"):
        collect(["queries"], BankInputs(tmp_path, (shard,), shipped_digests()))


def test_a_damaged_shard_and_an_unreadable_file_are_one_sentence(photo_sets, tmp_path):
    photos = list(islice(samples(photo_sets / "flickr8k-train-000000.tar"), 2))
    shard = write_photos(tmp_path / "mine.tar", photos, b"{}")
    shard.write_bytes(shard.read_bytes()[:20_000])
    with pytest.raises(DataError, match=r"mine\.tar is damaged|mine\.tar cannot be read"):
        collect(["queries"], BankInputs(tmp_path, (shard,), shipped_digests()))
    (tmp_path / "mine.txt").write_bytes(b"caf\xe9 au lait\n")
    with pytest.raises(DataError, match="is not UTF-8"):
        collect(["mine.txt"], BankInputs(tmp_path, (), shipped_digests()))
    with pytest.raises(DataError, match=r"gone\.txt cannot be read"):
        collect(["gone.txt"], BankInputs(tmp_path, (), shipped_digests()))


def test_an_unknown_source_is_named_with_the_known_ones(tmp_path):
    with pytest.raises(RecipeError, match=r"no source of texts flickr; there are imagenet, flickr30k, coco"):
        collect(["flickr"], BankInputs(tmp_path, (), shipped_digests()))


def test_glosses_are_used_if_wordnet_is_installed_and_otherwise_a_message_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("WNSEARCHDIR", str(tmp_path))
    messages = []
    found = collect(["mine.txt", "wordnet"], places_with(tmp_path, "my own dog"), messages.append)
    assert found == {"mine.txt": ("my own dog",)}
    assert "No WordNet is installed here" in messages.pop()
    with pytest.raises(DataError, match=r"have no text; name one"):
        collect(["wordnet"], BankInputs(tmp_path, (), shipped_digests()))
    (tmp_path / "data.noun").write_text(
        "  1 This software and database is being provided to you\n"
        "02084071 05 n 03 dog 0 domestic_dog 0 Canis_familiaris 0 001 @ 02083346 n 0000 | a member of the genus Canis; "
        '"the dog barked all night"  \n',
        encoding="utf-8",
    )
    found = collect(["wordnet"], BankInputs(tmp_path, (), shipped_digests()), messages.append)
    assert found == {"wordnet": ("dog, domestic dog, Canis familiaris: a member of the genus Canis",)}
    assert messages == []


LICENCE = "  1 This software and database is being provided to you, the LICENSEE, by  \n"
ROWS = {
    "a hexadecimal count": "00000001 20 n 0b one 0 two 0 three 0 four 0 five 0 six 0 seven 0 eight 0 nine 0 ten 0 "
    "eleven 0 001 @ 00000002 n 0000 | a plant of many names  \n",
    "an example behind the gloss": "00000002 06 n 01 jug 1 002 @ 00000001 n 0000 ~ 00000003 n 0000 | a large bottle "
    'with a narrow mouth; has a handle; "a jug of cider"; "she filled it"  \n',
    "a feeling": "00000003 12 n 01 joy 0 001 @ 00000001 n 0000 | the emotion of great happiness  \n",
    "a proper name": "00000004 18 n 01 Aalto 0 001 @i 00000001 n 0000 | Finnish architect  \n",
    "a group of kinds": "00000005 05 n 02 Picoides 0 genus_Picoides 0 001 @ 00000001 n 0000 | a genus of Picidae  \n",
    "a name like a group's": "00000006 06 n 01 class_ring 0 001 @ 00000001 n 0000 | a ring worn by graduates  \n",
}


def test_visible_things_come_with_up_to_three_names(tmp_path):
    (tmp_path / "data.noun").write_text(LICENCE + "".join(ROWS.values()), encoding="utf-8")
    assert list(glosses(tmp_path)) == [
        "one, two, three: a plant of many names",
        "jug: a large bottle with a narrow mouth; has a handle",
        "class ring: a ring worn by graduates",
    ]


@pytest.mark.parametrize("content", [b"\x00\xff\n", b"00000001 05 n 01\n"])
def test_a_file_that_is_not_wordnets_is_one_sentence(content, tmp_path):
    (tmp_path / "data.noun").write_bytes(content)
    with pytest.raises(DataError, match="is not a WordNet file"):
        list(glosses(tmp_path))
