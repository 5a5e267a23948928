"""A checkpoint and its bundle are measured alike."""

from __future__ import annotations

import json
from itertools import islice

import numpy as np
import pytest
from click.testing import CliRunner
from tests.trainer.conftest import members_of, write_shard

from mctrain.cli.command import mctrain
from mctrain.data.everyday import is_drawn
from mctrain.data.shards import samples
from mctrain.errors import DataError
from mctrain.evaluation.report import measure
from mctrain.evaluation.subject import Subject
from mctrain.evaluation.zero_shot import class_vectors
from mctrain.teachers.open import open_teacher


def test_a_checkpoint_recognises_the_photos_that_it_learnt_from(finished, tiny_data, cache):
    result = CliRunner().invoke(
        mctrain,
        [
            "eval",
            str(finished.path),
            "--data",
            str(tiny_data),
            "--cache",
            str(cache),
            "--json",
            "--shards",
            "flickr8k-train-*.tar",
        ],
    )
    assert result.exit_code == 0, result.output
    (figures,) = json.loads(result.stdout)["shards"]
    assert (figures["photos"], figures["texts"]) == (20, 100)
    assert figures["text_to_image"]["at_5"] > 50


def test_class_vectors_are_unit_means_over_the_templates(finished, cache):
    subject = Subject(open_teacher(str(finished.path), cache), lambda *_: None)
    vectors = class_vectors(subject, ["dog", "red car"])
    assert vectors.shape == (2, 32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_shard_that_measures_nothing_is_told(finished, tiny_data, cache, tmp_path):
    sample = next(samples(tiny_data / "flickr8k-train-000000.tar"))
    shard = write_shard(tmp_path / "mine.tar", members_of(sample, b'{"captions": [], "label": "dog"}'))
    subject = Subject(open_teacher(str(finished.path), cache), lambda *_: None)
    with pytest.raises(DataError, match="it measures nothing"):
        measure(subject, shard, tiny_data)


def test_everyday_photos_are_measured_by_their_short_searches(finished, real_data, cache, tmp_path):
    """Four photos of the real set, in parts with one of each that is none of it."""
    wanted = {"photos-described-000000.tar.gz": 3, "labelled-train-000001.tar.gz": 1}
    queries = 0
    for name, count in wanted.items():
        found = list(
            islice((own for own in samples(real_data / name) if is_drawn(own.key, own.words)), count)
        )
        found.append(next(samples(real_data / name)))
        queries += sum(len(own.words["queries"]) for own in found[:-1])
        parts = [part for own in found for part in members_of(own, json.dumps(own.words).encode())]
        write_shard(tmp_path / name, parts)
    for name in ("coco-described", "more-described"):
        write_shard(tmp_path / f"{name}-000000.tar.gz", [])
    words = [str(finished.path), "--data", str(tmp_path), "--cache", str(cache), "--shards", "everyday-dev"]
    result = CliRunner().invoke(mctrain, ["eval", *words, "--json"])
    assert result.exit_code == 0, result.output
    (figures,) = json.loads(result.stdout)["shards"]
    assert (figures["shard"], figures["photos"], figures["texts"]) == ("everyday-dev-000000.tar", 4, queries)
    assert figures["text_to_image"]["at_5"] == 100
    assert "image_to_text" not in figures
    told = CliRunner().invoke(mctrain, ["eval", *words]).stdout
    assert told.startswith(
        f"everyday-dev-000000.tar: 4 photos, {queries} texts; recall at 1 / 5 / 10: text to image "
    )
    assert "image to text" not in told
