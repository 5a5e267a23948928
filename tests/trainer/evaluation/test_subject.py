"""A checkpoint and its bundle are measured alike."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from tests.trainer.conftest import members_of, write_shard

from mctrain.cli.command import mctrain
from mctrain.data.shards import samples
from mctrain.errors import DataError
from mctrain.evaluation.report import measure
from mctrain.evaluation.subject import open_subject
from mctrain.evaluation.zero_shot import class_vectors


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
    subject = open_subject(finished.path, cache, lambda *_: None)
    vectors = class_vectors(subject, ["dog", "red car"])
    assert vectors.shape == (2, 32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_shard_that_measures_nothing_is_told(finished, tiny_data, cache, tmp_path):
    sample = next(samples(tiny_data / "flickr8k-train-000000.tar"))
    shard = write_shard(tmp_path / "mine.tar", members_of(sample, b'{"captions": [], "label": "dog"}'))
    subject = open_subject(finished.path, cache, lambda *_: None)
    with pytest.raises(DataError, match="it measures nothing"):
        measure(subject, shard, tiny_data)
