"""A reinforced set holds the teachers' embeddings of its views and texts, even after kills."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from itertools import islice

import numpy as np
import pytest
from tests.trainer.conftest import ALONE, members_of, run_mctrain, write_photos, write_shard

from mctrain.data.held_out import is_everyday
from mctrain.data.reinforced.bank import open_bank
from mctrain.data.reinforced.manifest import load_manifest
from mctrain.data.reinforced.sample import parse_sample
from mctrain.data.replay import picture_digest, replay
from mctrain.data.shards import grouped, samples
from mctrain.errors import TrainerError
from mctrain.teachers.teacher import BundleTeacher

# runs the command and kills it before its n-th operation on a file of the folder
KILLED = """
import os, signal, sys
folder, left = sys.argv[1], int(sys.argv[2])
def count(event, arguments):
    global left
    if event in ("open", "os.rename", "os.remove") and isinstance(arguments[0], (str, bytes)):
        name = os.fsdecode(arguments[0])
        if name.startswith(folder + os.sep) and (event != "open" or "w" in str(arguments[1]) or arguments[2] & 1):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
sys.argv = ["mctrain", *sys.argv[3:]]
from mctrain.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def sources(photo_sets, tmp_path_factory):
    """Two shards: captions by people, and synthetic ones with searches, an evaluation photo and a damaged photo."""
    folder = tmp_path_factory.mktemp("sources")
    people = list(islice(samples(photo_sets / "flickr8k-train-000000.tar"), 4))
    described = list(islice(samples(photo_sets / "photos-described-000000.tar.gz"), 60))
    apart = next(sample for sample in described if is_everyday(sample.key, sample.record))
    others = [sample for sample in described if not is_everyday(sample.key, sample.record)][:4]
    write_photos(folder / "people-000000.tar", people)
    parts = [part for photo in (apart, *others) for part in members_of(photo)]
    parts += [("broken.jpg", b"no picture"), ("broken.json", b'{"captions": ["A dog."]}')]
    write_shard(folder / "described-000000.tar.gz", parts)
    return folder


@pytest.fixture(scope="module")
def words(sources, starter, tmp_path_factory):
    """The arguments of the command without its folder."""
    names = [str(sources / "{people,described}-000000.tar*")]
    cache = tmp_path_factory.mktemp("cache")
    return ["reinforce", *names, "--teacher", str(starter), "--views", "3", "--cache", str(cache)]


@pytest.fixture(scope="module")
def made(words, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    return folder, run_mctrain(*words, "-o", folder)


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in {".tar", ".json"}}


def test_embeddings_are_the_teachers_for_the_views_and_texts(made, starter):
    teacher = BundleTeacher(starter)
    for name in ("people-000000.tar", "described-000000.tar"):
        group = list(grouped(made[0] / name))[3]
        sample = parse_sample(group.key, group.members, [512])
        image, views = sample.image(), sample.views
        assert len(views) == 3
        pictures = [replay(image, view, teacher.spec.size) for view in views]
        found = teacher.photos(pictures, [group.key] * 3)
        assert ((found * sample.image_embeddings).sum(1) > 0.9995).all()
        for tag in (None, *sample.texts.synthetic):
            found = teacher.texts(sample.texts_of(tag))
            assert ((found * sample.rows_of(tag)).sum(1) > 0.9995).all()


def test_words_are_those_of_the_source_with_their_authors(made, sources):
    theirs = {
        photo.key: photo for shard in sources.iterdir() for photo in samples(shard) if photo.key != "broken"
    }
    for name in ("people-000000.tar", "described-000000.tar"):
        for group in grouped(made[0] / name):
            sample, source = parse_sample(group.key, group.members, [512]), theirs[group.key]
            assert sample.photo == source.photo
            captions = tuple(source.record["captions"])
            if name.startswith("people"):
                assert sample.captions == sample.texts.human == captions
                assert sample.texts.synthetic == {}
            else:
                assert sample.captions == captions[:1]
                assert sample.texts.human == ()
                assert sample.texts.synthetic["syn_text"] == captions
                assert sample.texts.synthetic["syn_text_query"] == tuple(source.record["queries"])
            assert sample.texts.about["license"] == source.record["license"]


def test_the_manifest_counts_samples_and_omissions(made, sources):
    folder, result = made
    manifest = load_manifest(folder / "manifest.json")
    assert {record.name: record.samples for record in manifest.shards} == {
        "described-000000.tar": 4,
        "people-000000.tar": 4,
    }
    assert [dict(record.faults) for record in manifest.shards] == [{"broken photo": 1}, {}]
    assert len(manifest.refused) == 1
    assert manifest.teachers[0].width == 512
    assert {"onnxruntime", "Pillow"} <= set(manifest.versions)
    assert "8 samples in 2 shards; left out: 1 faulty, 1 for evaluation only" in result.output
    assert "faulty: 1 broken photo" in result.output
    assert "2 shards to make, about 10 photos" in result.stderr
    for record in manifest.shards:
        for key, seen in record.replays.items():
            group = next(other for other in grouped(folder / record.name) if other.key == key)
            sample = parse_sample(key, group.members, [512])
            view = sample.views[seen.view]
            assert picture_digest(replay(sample.image(), view, 224)) == seen.digest


@pytest.mark.soak
def test_parts_of_a_job_give_what_the_whole_job_gives(made, words, tmp_path):
    for part in ("2/2", "1/2"):
        run_mctrain(*words, "-o", tmp_path, "--part", part)
    assert bytes_of(tmp_path) == bytes_of(made[0])


def killed_at(step, words, folder):
    """The exit code of a run that is killed before its n-th operation on a file."""
    command = [sys.executable, "-c", KILLED, str(folder), str(step), *words, "-o", str(folder)]
    return subprocess.run(command, check=False, capture_output=True, env=ALONE).returncode


@pytest.mark.parametrize("steps", [(4,), pytest.param(tuple(range(1, 21)), marks=pytest.mark.soak)])
def test_a_repeatedly_killed_job_neither_loses_nor_repeats_samples(steps, made, words, tmp_path):
    words = [words[0], words[1].replace("{people,described}", "people"), *words[2:]]
    ends = {killed_at(step, words, tmp_path) for step in random.Random(3).sample(steps, len(steps))}
    assert -signal.SIGKILL in ends
    assert ends <= {-signal.SIGKILL, 0}
    run_mctrain(*words, "-o", tmp_path)
    (shard,) = tmp_path.glob("*.tar")
    assert shard.read_bytes() == (made[0] / shard.name).read_bytes()
    assert load_manifest(tmp_path / "manifest.json").samples == 4
    assert not list(tmp_path.glob(".*.tar.*.part"))


def test_a_folder_of_another_job_is_left_alone(made, words):
    with pytest.raises(TrainerError, match=r"was begun with another seed \(0, now 5\); use that again, or"):
        run_mctrain(*words, "-o", made[0], "--seed", "5")
    with pytest.raises(TrainerError, match=r"was begun with another views \(\d, now 9\)"):
        run_mctrain(*words, "-o", made[0], "--views", "9")


def test_seed_jpeg_storage_and_bank_options_take_effect(words, made, starter, tmp_path):
    (tmp_path / "searches.txt").write_text(
        "a red fox in the snow\nan old lighthouse at dusk\n", encoding="utf-8"
    )
    out = tmp_path / "out"
    given = ["--seed", "5", "--jpeg", "--storage", "npz-fp32", "--limit", "2"]
    done = run_mctrain(*words, "-o", out, *given, "--bank", "queries", "--bank", tmp_path / "searches.txt")
    assert "2 of searches.txt" in done.output
    (first, *_) = grouped(out / "described-000000.tar")
    assert first.suffix == "jpg"
    sample = parse_sample(first.key, first.members, [512])
    before = next(
        earlier for earlier in grouped(made[0] / "described-000000.tar") if earlier.key == first.key
    )
    other = parse_sample(before.key, before.members, [512])
    assert sample.views[0] == other.views[0]
    assert sample.views[1:] != other.views[1:]
    assert np.isclose((sample.image_embeddings[0] * other.image_embeddings[0]).sum(), 1, atol=0.02)
    bank = open_bank(out / "bank.npz", load_manifest(out / "manifest.json").teachers)
    rows = bank.draw(epoch=0, step=3, seed=1, count=16)
    near = (BundleTeacher(starter).texts(bank.texts(rows)) * bank.embeddings(rows)).sum(1)
    assert (near > 0.999).all()
