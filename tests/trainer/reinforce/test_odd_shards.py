"""What stands in other people's shards is reinforced or told, never mixed up, and stops no job."""

from __future__ import annotations

import os
import signal
from itertools import islice

import pytest
from click.testing import CliRunner
from tests.trainer.conftest import write_shard

from mctrain.cli.command import mctrain
from mctrain.data.phrasing import Phrasing
from mctrain.data.reading.reader import TrainingData
from mctrain.data.reading.visit import Pass, ReaderSettings, Stored, Texts
from mctrain.data.reinforced.manifest import Storage
from mctrain.data.shards import grouped, samples
from mctrain.data.workers import open_pool
from mctrain.errors import TrainerError
from mctrain.recipes.tables import Augmentation
from mctrain.reinforce.job import ShardJob, begin, finish, load_report, part_of
from mctrain.reinforce.job import make as make_shard
from mctrain.reinforce.local import foretell
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
    """The samples of a shard in the teacher's eyes, and what became of the others."""

    def judged(shard, pool=pool):
        outcome = ShardOutcome()
        return list(reinforce(shard, drawing, ensemble, pool, outcome)), outcome

    return judged


@pytest.fixture(scope="module")
def maker(ensemble, drawing, pool):
    return Reinforcing(drawing, Storage.PTH_BF16, ensemble, pool, None, {})


@pytest.fixture(scope="module")
def make(maker):
    """Reinforces what is left of the shards, as the command does; the names of those that were."""

    def made(folder, *shards):
        job = ShardJob(tuple(shards), folder)
        left = begin(job, maker.identity())
        foretell(left, maker, print)
        for shard in left:
            make_shard(job, shard, maker, lambda *_: None)
        finish(job, maker, lambda *_: lambda *_: None)
        return [shard.name for shard in left]

    return made


@pytest.fixture(scope="module")
def photos(real_data):
    return [own.photo for own in islice(samples(real_data / "flickr8k-train-000000.tar"), 2)]


@pytest.fixture(scope="module")
def measuring(real_data):
    """A photo that only measures."""
    return next(samples(real_data / "flickr8k-dev-000000.tar")).photo


def test_of_a_key_that_comes_again_photo_and_words_are_of_one_sample(judge, photos, measuring, tmp_path):
    parts = [
        ("a.jpg", measuring), ("a.txt", b"a photo that measures"), ("a.jpg", photos[0]), ("a.txt", b"one dog"),
        ("b.jpg", photos[0]), ("b.jpg", photos[1]), ("b.txt", b"two dogs"),
    ]  # fmt: skip
    found, outcome = judge(write_shard(tmp_path / "twice.tar", parts))
    assert [(own.key, own.photo, own.captions) for own in found] == [
        ("a", photos[0], ("one dog",)),
        ("b", photos[1], ("two dogs",)),
    ]
    assert outcome.refused == ["a"]
    assert [(own.key, own.reason) for own in outcome.faulty] == [("b", "no text")]


def test_words_that_are_none_cost_their_sample_alone(judge, photos, tmp_path):
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
        "said": ("syn.json", b'{"syn_text": ["", "dog"]}'),
    }
    parts = []
    for key, (suffix, words) in {**odd, **whole}.items():
        parts += [(f"{key}.jpg", photos[0]), (f"{key}.{suffix}", words)]
    found, outcome = judge(write_shard(tmp_path / "odd.tar", parts))
    assert {own.key: own.captions for own in found} == dict.fromkeys(whole, ("dog",))
    assert [own.key for own in outcome.faulty] == list(odd)
    assert outcome.faults == {"broken words": 4, "no text": 1}


def test_a_worker_that_is_ended_from_outside_is_told_in_a_sentence(judge, photos, tmp_path):
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
    assert [own.key for own in grouped(folder / "names.tar")] == keys
    report = load_report(folder, "names.tar")
    assert [own.key for own in report.faulty] == ["\udcff"]
    settings = ReaderSettings("bicubic", Texts("any", "."), Stored((512,)))
    data = TrainingData([folder / "names.tar"], tmp_path / "cache", settings)
    (batch,) = data.batches(Pass(0, 0, 4, 224), workers=0)
    assert set(batch.keys) == set(keys)
    told = CliRunner().invoke(mctrain, ["data", "verify", str(folder), "--cache", str(tmp_path / "cache")])
    assert "4 samples, 4 of them read, 1 views replayed; nothing moved" in told.output


def test_a_shard_is_made_again_where_it_or_its_source_was_changed_and_no_source_written_over(
    make, photos, tmp_path
):
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


def test_shards_that_share_a_name_are_refused_whatever_part_is_made(tmp_path):
    with pytest.raises(TrainerError, match=r"written as a\.tar"):
        part_of([tmp_path / "a.tar", tmp_path / "a.tar.gz"], 1, 2)


def test_what_a_killed_run_left_half_written_goes_with_the_next(make, photos, tmp_path):
    shard = write_shard(tmp_path / "a.tar", [("a.jpg", photos[0]), ("a.txt", b"one dog")])
    make(tmp_path / "made", shard)
    (tmp_path / "made" / "a.report.json").unlink()
    for name in (f".a.tar.{DRAWN}.part", f"..a.tar.{DRAWN}.part.{DRAWN}.part", f".b.a.tar.{DRAWN}.part"):
        (tmp_path / "made" / name).write_bytes(b"half")
    make(tmp_path / "made", shard)
    assert [own.name for own in tmp_path.glob("made/.*")] == [
        f".b.a.tar.{DRAWN}.part"
    ]  # of a part that works


class Overtaken:
    """A maker whose shard is made by another run, to its end, while it is at it."""

    def __init__(self, maker, job):
        self.maker, self.job = maker, job

    def __getattr__(self, name):
        return getattr(self.maker, name)

    def keys(self, shard):
        read = self.maker.keys(shard)
        make_shard(self.job, self.job.shards[0], self.maker, lambda *_: None)
        finish(self.job, self.maker, lambda *_: lambda *_: None)
        return read


def test_two_runs_may_make_the_same_shard_at_once(maker, photos, tmp_path):
    shard = write_shard(tmp_path / "a.tar", [("a.jpg", photos[0]), ("a.txt", b"one dog")])
    job = ShardJob((shard,), tmp_path / "made")
    begin(job, maker.identity())
    report = make_shard(job, job.shards[0], Overtaken(maker, job), lambda *_: None)
    assert load_report(job.folder, "a.tar") == report
    assert begin(job, maker.identity()) == ()
