"""Batches depend on key, epoch and seed alone, with any readers, from any step, and despite broken samples."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections import Counter
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from tests.trainer.conftest import write_shard as pack
from tests.trainer.data.conftest import SLOTS, WIDTHS, build_public, write_samples

from mctrain.data.reading.reader import TrainingData
from mctrain.data.reading.sampling import (
    EpochPart,
    ReaderSettings,
    StoredViews,
    TextChoice,
    choose_texts,
    choose_view,
)
from mctrain.data.reinforced.manifest import Storage
from mctrain.data.reinforced.sample import members_of
from mctrain.data.replay import replay
from mctrain.data.shards import samples
from mctrain.data.texts import CAPTIONS
from mctrain.data.views import Crop, DrawnView
from mctrain.errors import DataError

TEXTS = TextChoice("any", "^syn_text.*$")
SETTINGS = ReaderSettings("bicubic", TEXTS, StoredViews(WIDTHS))


@pytest.fixture(scope="module")
def folder(reinforced_samples, tmp_path_factory):
    """Sixteen samples in three shards with different storages."""
    folder = tmp_path_factory.mktemp("set")
    for place, (storage, part) in enumerate(
        zip(Storage, (slice(7), slice(7, 10), slice(10, 16)), strict=True)
    ):
        write_samples(folder / f"{place}.tar", reinforced_samples[part], storage)
    return folder


@pytest.fixture(scope="module")
def data(folder):
    return TrainingData(sorted(folder.glob("*.tar")), folder / "cache", SETTINGS)


def same(one, other) -> bool:
    return all(
        torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
        for a, b in ((getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    )


def test_a_pass_sees_each_sample_once_with_its_own_order_and_choices(data):
    passes = [list(data.batches(EpochPart(epoch, 7, 4, 32), 0)) for epoch in (0, 1)]
    assert len(data) == 16
    assert len(passes[0]) == len(data) // 4 == 4
    for batches in passes:
        assert len({key for batch in batches for key in batch.keys}) == 16
    captions = [
        {key: caption for batch in batches for key, caption in zip(batch.keys, batch.captions, strict=True)}
        for batches in passes
    ]
    assert list(captions[0]) != list(captions[1])
    assert captions[0] != captions[1]
    other_seed = next(data.batches(EpochPart(0, 8, 4, 32), 0))
    assert other_seed.keys != passes[0][0].keys
    assert data.skipped == Counter()


def test_pixels_texts_and_vectors_of_a_row_belong_together(data, reinforced_samples):
    of = {sample.key: sample for sample in reinforced_samples}
    for batch in data.batches(EpochPart(3, 1, 8, 32), 0):
        assert batch.pixels.shape == (8, 3, 32, 32)
        assert batch.pixels.dtype == torch.uint8
        for row, key in enumerate(batch.keys):
            sample = of[key]
            view, caption = (
                int(np.abs(vectors - rows[row].numpy()).sum(1).argmin())
                for vectors, rows in (
                    (sample.image_embeddings, batch.image_embeddings),
                    (sample.caption_embeddings, batch.caption_embeddings),
                )
            )
            picture = replay(sample.image(), sample.views[view], 32)
            assert np.array_equal(np.asarray(picture), batch.pixels[row].permute(1, 2, 0).numpy())
            assert batch.captions[row] == sample.captions[caption]
            distances = {
                (tag, text): np.abs(vector - batch.synthetic_embeddings[row].numpy()).sum()
                for tag, texts in sample.texts.synthetic.items()
                for text, vector in zip(texts, sample.synthetic_embeddings[tag], strict=True)
            }
            assert min(distances, key=distances.get)[1] == batch.synthetic[row]


def test_views_captions_tags_and_texts_are_uniform(reinforced_samples):
    """Each outcome's count is within five deviations of its share, whatever the others are."""
    sample, draws = reinforced_samples[0], 6000
    choices = [
        (choose_view(sample.key, epoch, 5, 5), *choose_texts(sample, epoch, 5, TEXTS))
        for epoch in range(draws)
    ]
    shares = {
        **{("view", view): 1 / 5 for view in range(5)},
        **{("caption", caption): 1 / 5 for caption in range(5)},
        **{("syn_text", text): 1 / 2 / 3 for text in range(3)},
        **{("syn_text_query", text): 1 / 2 / 2 for text in range(2)},
        **{("view and caption", view, caption): 1 / 25 for view in range(5) for caption in range(5)},
    }
    counts = Counter()
    for view, caption, other in choices:
        assert caption.tag is None
        counts.update(
            [
                ("view", view),
                ("caption", caption.number),
                tuple(other),
                ("view and caption", view, caption.number),
            ]
        )
    assert counts.keys() == shares.keys()
    for outcome, share in shares.items():
        assert abs(counts[outcome] - draws * share) < 5 * (draws * share * (1 - share)) ** 0.5, outcome
    alone = [choose_texts(sample, epoch, 5, TextChoice("any", "^syn_text$")) for epoch in range(20)]
    assert {other.tag for _, other in alone} == {"syn_text"}
    assert choose_texts(sample, 3, 5, TEXTS) == choose_texts(sample, 3, 5, TEXTS)


def test_other_processes_read_the_same_batches_from_any_step(data):
    undisturbed = list(data.batches(EpochPart(2, 7, 3, 32), 0))
    before = torch.random.get_rng_state()
    found = list(data.batches(EpochPart(2, 7, 3, 32, start=2), 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert len(found) == 3
    assert all(same(one, other) for one, other in zip(undisturbed[2:], found, strict=True))


@pytest.mark.skipif(sys.platform == "darwin", reason="there a process cannot tell who sends a signal")
def test_reader_processes_ignore_signals_of_other_programs(data):
    """A terminal and a service manager send them to all processes of a run; here another program does."""
    wanted = list(data.batches(EpochPart(1, 7, 4, 32), 0))
    batches = data.batches(EpochPart(1, 7, 4, 32), 1)
    found = [next(batches)]
    (reader,) = multiprocessing.active_children()
    for name in ("INT", "TERM"):
        subprocess.run(["kill", f"-{name}", str(reader.pid)], check=True)
    found += batches
    assert len(found) == 4
    assert all(same(one, other) for one, other in zip(found, wanted, strict=True))


def test_ranks_share_the_batches_of_one(data):
    whole = list(data.batches(EpochPart(2, 7, 5, 32), 0))
    parts = [list(data.batches(EpochPart(2, 7, 5, 32, rank=rank, ranks=2), 0)) for rank in range(2)]
    for batch, first, second in zip(whole, *parts, strict=True):
        assert batch.keys == first.keys + second.keys
        assert torch.equal(batch.pixels, torch.cat([first.pixels, second.pixels]))


@pytest.fixture
def troubled(reinforced_samples, photo_sets, tmp_path):
    """A shard with one unusable sample of each sort, ten usable ones, and one with only a person's captions."""
    stranger = next(samples(photo_sets / "flickr8k-dev-000000.tar"))
    spare = reinforced_samples[0]
    rows = spare.synthetic_embeddings
    trouble = (
        replace(spare, key=stranger.key),
        replace(spare, key="wide", image_embeddings=spare.image_embeddings * 1.1),
        replace(spare, key="few", views=spare.views[:4]),
        replace(spare, key="beyond", views=(*spare.views[:4], DrawnView(Crop(0, 100, 50, 400)))),
        replace(
            spare,
            key="untold",
            texts=replace(spare.texts, synthetic={"spoken": spare.texts.synthetic[CAPTIONS]}),
            synthetic_embeddings={"spoken": rows[CAPTIONS]},
        ),
        replace(
            spare,
            key="silent",
            texts=replace(spare.texts, synthetic={CAPTIONS: ()}),
            synthetic_embeddings={CAPTIONS: rows[CAPTIONS][:0]},
        ),
    )
    members = [
        (f"{sample.key}.{suffix}", content)
        for sample in (*reinforced_samples[:10], *trouble)
        for suffix, content in members_of(sample, Storage.NPZ, SLOTS).items()
    ]
    members += [
        (f"cut.{suffix}", content[:2000] if suffix == "jpg" else content)
        for suffix, content in members_of(spare, Storage.NPZ, SLOTS).items()
    ]
    members.insert(30, ("half.jpg", spare.photo))
    return pack(tmp_path / "troubled.tar", members), {
        "silent",
        *(sample.key for sample in reinforced_samples[:10]),
    }


def test_unusable_samples_are_replaced_and_counted_once_with_any_number_of_readers(troubled, tmp_path):
    shard, usable = troubled
    reasons = {
        "no txt": 1, "evaluation photo": 1, "broken photo": 1, "broken embeddings": 2, "no synthetic text": 1,
        "view beyond the photo": 1,
    }  # fmt: skip
    runs = []
    for workers in (0, 2):
        data = TrainingData([shard], tmp_path / "cache", SETTINGS)
        assert data.skipped == {"no txt": 1}
        runs.append(
            [batch for epoch in (0, 1) for batch in data.batches(EpochPart(epoch, 0, 4, 32), workers)]
        )
        assert data.skipped == reasons
    for batch in runs[0]:
        assert set(batch.keys) <= usable
    assert all(same(one, other) for one, other in zip(*runs, strict=True))
    messages = {skipped.key: skipped.message for batch in runs[0] for skipped in batch.skipped}
    assert len(messages) == 6
    assert all(key in message for key, message in messages.items())


@pytest.mark.parametrize("workers", [0, 1])
def test_shards_without_a_usable_sample_end_the_pass(reinforced_samples, tmp_path, workers):
    broken = [replace(sample, image_embeddings=sample.image_embeddings * 2) for sample in reinforced_samples]
    shard = write_samples(tmp_path / "broken.tar", broken, Storage.NPZ)
    data = TrainingData([shard], tmp_path / "cache", SETTINGS)
    with pytest.raises(
        DataError,
        match=r"^16 samples in a row cannot be used\. The last: The embeddings of .* are broken: image_emb ",
    ):
        next(data.batches(EpochPart(0, 0, 4, 32), workers))


def test_a_set_without_photos_is_refused_before_anything_is_read(photos, reinforced_samples, tmp_path):
    public = build_public(photos[:6], views=10)
    merged = ("jpg", "txt")
    bare = [(name, content) for name, content in public.members if name.partition(".")[2] not in merged]
    shard = pack(tmp_path / "00000000.tar", bare)
    with pytest.raises(
        DataError, match=r"No sample of 00000000\.tar .* 6 have no photo \(jpeg.*merge them in by key"
    ):
        TrainingData([shard], tmp_path / "cache", SETTINGS)
    with pytest.raises(DataError, match="there is none"):
        TrainingData([pack(tmp_path / "empty.tar", [])], tmp_path / "cache", SETTINGS)
    write_samples(tmp_path / "small.tar", reinforced_samples[:3], Storage.NPZ)
    small = TrainingData([tmp_path / "small.tar", shard], tmp_path / "cache", SETTINGS)
    assert small.skipped == {"no photo": 6}
