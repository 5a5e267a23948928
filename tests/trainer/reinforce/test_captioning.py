"""A captioned shard has the photos, words and order of its source, and captions; evaluation photos are left out."""

from __future__ import annotations

import json
from itertools import islice

import numpy as np
import pytest
from tests.trainer.conftest import DEV_KEYS, run_mctrain, write_photos, write_shard

from mctrain.data.shards import grouped, samples
from mctrain.data.texts import texts_of
from mctrain.errors import DataError
from mctrain.paths import files_of, parse_path, write

TAG = "syn_text_coca"
FEW = ["--captions", "2", "--tokens", "8"]


@pytest.fixture(scope="module")
def sources(photo_sets, tmp_path_factory):
    """Two shards: photos with all kinds of words, an evaluation photo, and unusable samples."""
    folder = tmp_path_factory.mktemp("plain")
    people = list(
        islice(samples(photo_sets / "flickr8k-train-000000.tar"), 18)
    )  # more than a captioner sees at once
    measuring = next(samples(photo_sets / "flickr8k-dev-000000.tar"))
    write_photos(folder / "people-000000.tar", [*people, measuring])
    photo = people[0].photo
    parts = [
        ("a.jpg", photo), ("a.txt", b"one dog"), ("a.syn.json", b'{"syn_text_query": ["dog"], "syn_text_coca": ["A cat"]}'),
        ("b.jpg", b"no picture"), ("c.txt", b"a text alone"), ("d.jpg", photo), ("d.npz", b"embeddings"),
        ("e.jpg", photo), ("e.syn.json", b"[]"), ("f.jpg", photo), ("f.url.txt", b"http://there"),
        ("a.jpg", photo), ("a.txt", b"again"),
    ]  # fmt: skip
    write_shard(folder / "odd-000000.tar", parts)
    return folder


@pytest.fixture(scope="module")
def caption(coca, sources, tmp_path_factory):
    """Runs the command on both shards; returns its output."""
    cache = tmp_path_factory.mktemp("cache")

    def run(output, *options, names=("odd-000000.tar", "people-000000.tar")):
        given = [*(sources / name for name in names), "--captioner", coca[0], "--tag", TAG]
        return run_mctrain("caption", *given, "-o", output, "--cache", cache, *FEW, *options).output

    return run


@pytest.fixture(scope="module")
def captioned(caption, tmp_path_factory):
    folder = tmp_path_factory.mktemp("captioned")
    return folder, caption(folder)


def test_every_photo_gets_captions_and_keeps_its_words(captioned, sources):
    folder, _ = captioned
    before = {
        group.key: group for group in grouped(sources / "people-000000.tar") if group.key not in DEV_KEYS
    }
    after = {group.key: group for group in grouped(folder / "people-000000.tar")}
    assert list(after) == list(before)
    for key, group in after.items():
        assert {suffix: group.members[suffix] for suffix in before[key].members} == before[key].members
        texts = json.loads(group.members["syn.json"])[TAG]
        assert 1 <= len(texts) == len(set(texts)) <= 2
        assert all(text == text.strip() and "." not in text for text in texts)
        assert texts_of(group.members).synthetic[TAG] == tuple(texts)
    assert len({str(texts_of(group.members).synthetic) for group in after.values()}) == len(after)


def test_existing_texts_stay_and_unusable_samples_are_counted(captioned):
    folder, report = captioned
    kept = {group.key: group.members for group in grouped(folder / "odd-000000.tar")}
    assert list(kept) == ["a", "f"]
    tagged = json.loads(kept["a"]["syn.json"])
    assert tagged["syn_text_query"] == ["dog"]
    assert tagged[TAG][0] == "A cat"
    assert len(tagged[TAG]) > 1
    assert kept["f"]["url.txt"] == b"http://there"
    assert "20 samples in 2 shards; left out: 5 faulty, 1 for evaluation only" in report
    record = json.loads((folder / "odd-000000.report.json").read_text())
    assert {fault["key"]: fault["reason"] for fault in record["faulty"]} == {
        "b": "broken photo",
        "c": "no photo",
        "d": "reinforced already",
        "e": "broken words",
        "a": "key twice",
    }


def test_an_empty_part_is_no_failure_and_another_seed_gives_other_texts(captioned, caption, tmp_path):
    folder, _ = captioned
    assert "0 samples in 0 shards" in caption(tmp_path, "--part", "3/3")
    caption(tmp_path / "other", "--seed", 1, names=["odd-000000.tar"])
    assert (tmp_path / "other" / "odd-000000.tar").read_bytes() != (folder / "odd-000000.tar").read_bytes()


def test_captions_unlike_the_photo_are_dropped(captioned, caption, shipped_teacher, starter, tmp_path):
    folder, _ = captioned
    teacher = shipped_teacher
    likes = {}
    for group in grouped(folder / "people-000000.tar"):
        texts = texts_of(group.members).synthetic[TAG]
        photo = teacher.photos([group.image()], [group.key])
        likes[group.key] = dict(zip(texts, (teacher.texts(texts) @ photo[0]).tolist(), strict=True))
    everything = [like for scores in likes.values() for like in scores.values()]
    middle = float(np.median(everything)) + 1e-4
    output = caption(tmp_path, "--least-similarity", middle, "--judge", starter, names=["people-000000.tar"])
    kept = {
        group.key: set(texts_of(group.members).synthetic.get(TAG, ()))
        for group in grouped(tmp_path / "people-000000.tar")
    }
    for key, scores in likes.items():
        assert {text for text, like in scores.items() if like > middle + 0.01} <= kept[key]
        assert not kept[key] & {text for text, like in scores.items() if like < middle - 0.01}
    count = sum(map(len, kept.values()))
    assert f"{count} captions; dropped: " in output
    assert f"{len(everything) - count} unlike the photo (" in output


@pytest.mark.parametrize("store", ["memory", pytest.param("s3", marks=pytest.mark.soak)])
def test_shards_go_to_a_store_and_come_from_one(captioned, coca, sources, store, tmp_path, request):
    folder, _ = captioned
    root = (
        f"memory://{tmp_path.name}"
        if store == "memory"
        else f"{request.getfixturevalue('bucket')}/{tmp_path.name}"
    )
    for name in ("odd-000000.tar", "people-000000.tar"):
        write(parse_path(f"{root}/in/{name}"), (sources / name).read_bytes())
    given = ["caption", f"{root}/in/*-000000.tar", "--captioner", coca[0], "--tag", TAG, "-o", f"{root}/out"]
    for left in (2, 0):
        output = run_mctrain(*given, *FEW).output
        assert ("2 shards to make" if left else "Nothing is left to make") in output
    out = parse_path(f"{root}/out")
    assert [path.name for path in files_of(out, "*")] == sorted(path.name for path in folder.iterdir())
    for path in files_of(out, "*.tar"):
        assert path.read_bytes() == (folder / path.name).read_bytes()


def test_an_invalid_tag_and_an_incomplete_judgement_are_refused(sources, tmp_path):
    given = ("caption", sources / "odd-000000.tar", "-o", tmp_path)
    with pytest.raises(DataError, match="There can be no texts under the tag “text”"):
        run_mctrain(*given, "--tag", "text")
    assert "go together" in run_mctrain(*given, "--least-similarity", "0.2", code=2).output
