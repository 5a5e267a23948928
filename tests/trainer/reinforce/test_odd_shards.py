"""Unusual shards of other people are reinforced or reported, never mixed up, and stop no job."""

from __future__ import annotations

import os
import signal
from itertools import islice

import pytest
from tests.trainer.conftest import no_progress, run_mctrain, write_shard

from mctrain.data.phrasing import Phrasing
from mctrain.data.reading.reader import TrainingData
from mctrain.data.reading.sampling import EpochPart, ReaderSettings, StoredViews, TextChoice
from mctrain.data.reinforced.manifest import Storage
from mctrain.data.shards import grouped, samples
from mctrain.data.workers import open_pool
from mctrain.errors import TrainerError
from mctrain.recipes.tables import Augmentation
from mctrain.reinforce.job import ShardJob, begin, finish, load_report, part_of
from mctrain.reinforce.job import make as make_shard
from mctrain.reinforce.local import estimate
from mctrain.reinforce.maker import ShardOutcome
from mctrain.reinforce.reinforcing import Drawing, Reinforcing, reinforce
from mctrain.teachers.teacher import Ensemble

DRAWN = 32 * "a"  # of a draft's name


@pytest.fixture(scope="module")
def ensemble(shipped_teacher):
    return Ensemble([shipped_teacher])


@pytest.fixture(scope="module")
def drawing(ensemble):
    return Drawing(Augmentation("none", 1, 1.0, mirror=False), 0, ensemble.sizes, Phrasing(), jpeg=False)


@pytest.fixture(scope="module")
def pool():
    with open_pool(1) as opened:
        yield opened


@pytest.fixture(scope="module")
def judge(ensemble, drawing, pool):
    """The reinforced samples of a shard, and the outcome of the others."""

    def judged(shard, pool=pool):
        outcome = ShardOutcome()
        return list(reinforce(shard, drawing, ensemble, pool, outcome)), outcome

    return judged


@pytest.fixture(scope="module")
def maker(ensemble, drawing, pool):
    return Reinforcing(drawing, Storage.PTH_BF16, ensemble, pool, None, {})


@pytest.fixture(scope="module")
def make(maker):
    """Reinforces the shards that are left, as the command does, and returns their names."""

    def made(folder, *shards):
        job = ShardJob(tuple(shards), folder)
        left = begin(job, maker.identity())
        estimate(left, maker, print)
        for shard in left:
            make_shard(job, shard, maker, lambda *_: None)
        finish(job, maker, no_progress)
        return [shard.name for shard in left]

    return made


@pytest.fixture(scope="module")
def photos(photo_sets):
    return [sample.photo for sample in islice(samples(photo_sets / "flickr8k-train-000000.tar"), 2)]


@pytest.fixture(scope="module")
def measuring(real_data):
    """An evaluation photo."""
    return next(samples(real_data / "flickr8k-dev-000000.tar")).photo


def test_samples_with_a_repeated_key_are_not_mixed_up(judge, photos, measuring, tmp_path):
    parts = [
        ("a.jpg", measuring), ("a.txt", b"a photo that measures"), ("a.jpg", photos[0]), ("a.txt", b"one dog"),
        ("b.jpg", photos[0]), ("b.jpg", photos[1]), ("b.txt", b"two dogs"),
    ]  # fmt: skip
    found, outcome = judge(write_shard(tmp_path / "twice.tar", parts))
    assert [(sample.key, sample.photo, sample.captions) for sample in found] == [
        ("a", photos[0], ("one dog",)),
        ("b", photos[1], ("two dogs",)),
    ]
    assert outcome.refused == ["a"]
    assert [(fault.key, fault.reason) for fault in outcome.faulty] == [("b", "no text")]


def test_unusable_words_cost_only_their_sample(judge, photos, tmp_path):
    odd = {
        "number": ("json", b'{"set": "x", "label": 5}'),
        "objects": ("json", b'{"objects": [{"box": [1, 2]}], "caption": "two dogs"}'),
        "view": ("syn.json", b'{"image": ["one dog", "two dogs"]}'),
        "caption": ("syn.json", b'{"text": ["one dog"]}'),
        "blank": ("syn.json", b'{"syn_text": ["", " "]}'),
    }
    whole = {
        "sets": ("json", b'{"set": ["x"], "label": "dog", "labels": null}'),
        "letters": ("json", b'{"set": "x", "labels": "dog"}'),
        "nothing": ("json", b'{"objects": ["dog"], "phrases": null}'),
        "texts": ("syn.json", b'{"syn_text": ["", "dog"]}'),
    }
    parts = []
    for key, (suffix, words) in {**odd, **whole}.items():
        parts += [(f"{key}.jpg", photos[0]), (f"{key}.{suffix}", words)]
    found, outcome = judge(write_shard(tmp_path / "odd.tar", parts))
    assert {sample.key: sample.captions for sample in found} == dict.fromkeys(whole, ("dog",))
    assert [fault.key for fault in outcome.faulty] == list(odd)
    assert outcome.faults == {"broken words": 4, "no text": 1}


def test_a_killed_worker_is_one_sentence(judge, photos, tmp_path):
    shard = write_shard(tmp_path / "one.tar", [("a.jpg", photos[0]), ("a.txt", b"one dog")])
    with open_pool(1) as pool:
        os.kill(pool.submit(os.getpid).result(), signal.SIGINT)  # as a terminal's Ctrl-C does
        worker = pool.submit(os.getpid).result()
        pool.submit(os.kill, worker, signal.SIGKILL)
        with pytest.raises(TrainerError, match="memory is full"):
            judge(shard, pool)


def test_names_may_be_long_and_hold_any_bytes(make, photos, tmp_path):
    keys = ["caf\udce9", "x" * 150, "кошка", "album/" * 40 + "one"]
    parts = [part for key in keys for part in ((f"{key}.jpg", photos[0]), (f"{key}.txt", b"one dog"))]
    parts += [("\udcff.jpg", b"no picture"), ("\udcff.txt", b"one dog")]
    folder = tmp_path / "made"
    make(folder, write_shard(tmp_path / "names.tar", parts))
    assert [group.key for group in grouped(folder / "names.tar")] == keys
    report = load_report(folder, "names.tar")
    assert [fault.key for fault in report.faulty] == ["\udcff"]
    settings = ReaderSettings("bicubic", TextChoice("any", "."), StoredViews((512,)))
    data = TrainingData([folder / "names.tar"], tmp_path / "cache", settings)
    (batch,) = data.batches(EpochPart(0, 0, 4, 224), workers=0)
    assert set(batch.keys) == set(keys)
    output = run_mctrain("data", "verify", folder, "--cache", tmp_path / "cache").output
    assert "4 samples, 4 of them read, 1 views replayed; nothing moved" in output


def test_a_changed_shard_is_made_again_and_no_source_is_overwritten(make, photos, tmp_path):
    texts = (b"one dog", b"two dogs")
    first, other = (
        write_shard(tmp_path / name / "a.tar", [("a.jpg", photos[0]), ("a.txt", text)])
        for name, text in zip("xy", texts, strict=True)
        if not (tmp_path / name).mkdir()
    )
    folder = tmp_path / "made"
    assert [make(folder, shard) for shard in (first, first, other)] == [["a.tar"], [], ["a.tar"]]
    assert next(grouped(folder / "a.tar")).members["txt"] == texts[1]
    (folder / "a.tar").write_bytes((folder / "a.tar").read_bytes()[:2000])
    assert make(folder, other) == ["a.tar"]
    for place, shard in ((first.parent, first), (first.parent, other), (folder, folder / "a.tar")):
        with pytest.raises(TrainerError, match="choose another folder with -o"):
            make(place, shard)
    assert next(grouped(first)).members["txt"] == texts[0]


def test_shards_with_one_name_are_refused_in_every_part(tmp_path):
    with pytest.raises(TrainerError, match=r"written as a\.tar"):
        part_of([tmp_path / "a.tar", tmp_path / "a.tar.gz"], 1, 2)


def test_partial_files_of_a_killed_run_are_removed_by_the_next(make, photos, tmp_path):
    shard = write_shard(tmp_path / "a.tar", [("a.jpg", photos[0]), ("a.txt", b"one dog")])
    make(tmp_path / "made", shard)
    (tmp_path / "made" / "a.report.json").unlink()
    for name in (f".a.tar.{DRAWN}.part", f"..a.tar.{DRAWN}.part.{DRAWN}.part", f".b.a.tar.{DRAWN}.part"):
        (tmp_path / "made" / name).write_bytes(b"half")
    make(tmp_path / "made", shard)
    assert [path.name for path in tmp_path.glob("made/.*")] == [
        f".b.a.tar.{DRAWN}.part"
    ]  # of a part that works


class Overtaken:
    """A maker that another run overtakes on the same shard."""

    def __init__(self, maker, job):
        self.maker, self.job = maker, job

    def __getattr__(self, name):
        return getattr(self.maker, name)

    def keys(self, shard):
        read = self.maker.keys(shard)
        make_shard(self.job, self.job.shards[0], self.maker, lambda *_: None)
        finish(self.job, self.maker, no_progress)
        return read


def test_two_runs_may_make_the_same_shard_at_once(maker, photos, tmp_path):
    shard = write_shard(tmp_path / "a.tar", [("a.jpg", photos[0]), ("a.txt", b"one dog")])
    job = ShardJob((shard,), tmp_path / "made")
    begin(job, maker.identity())
    report = make_shard(job, job.shards[0], Overtaken(maker, job), lambda *_: None)
    assert load_report(job.folder, "a.tar") == report
    assert begin(job, maker.identity()) == ()
