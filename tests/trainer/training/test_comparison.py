"""A run that keeps photos apart compares both models on them and on public sets at its end."""

from __future__ import annotations

import hashlib
import json
import re
import shutil

import numpy as np
import pytest
from tests.trainer.conftest import run_mctrain

from mctrain.data.held_out import is_held_out, pack_library
from mctrain.data.shards import grouped, write_archive
from mctrain.errors import DataError, RecipeError
from mctrain.evaluation.tasks import Blanks, FoundTask
from mctrain.teachers.towers import ModelTeacher
from mctrain.training.comparison import ComparisonSets, compare_models
from mctrain.weights.checkpoint import CHECKPOINT, load_checkpoint

APART = ("apart.share=0.4", "apart.most_lost=2", "run.steps=2", "run.batch=4")


@pytest.fixture(scope="module")
def first(command, tmp_path_factory):
    """The folder of a run to begin with."""
    folder = tmp_path_factory.mktemp("first")
    run_mctrain(*command(folder, *APART[2:]))
    return folder


@pytest.fixture(scope="module")
def judged(command, first, tmp_path_factory):
    """The folder of a run that begins with it, and its output."""
    folder = tmp_path_factory.mktemp("judged")
    return folder, run_mctrain(*command(folder, *APART, "optimizer.rate=0.05"), "--from", first).output


def is_reported(key):
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % 2 == 1


def recalls(model, shards, *, reported):
    """The mean recall at 1, 5 and 10 of the captions of a half of the photos kept apart, counted one by one."""
    checkpoint = load_checkpoint(model)
    towers = ModelTeacher(checkpoint.clip, checkpoint.preset, "", "")
    groups = [group for shard in shards for group in grouped(shard)]
    texts = [[group.members["txt"].decode(), *json.loads(group.members["json"])["texts"]] for group in groups]
    photos = towers.photos([group.image() for group in groups], [group.key for group in groups])
    places = []
    for row, group in enumerate(groups):
        asked = is_held_out(group.key, 0.4) and is_reported(group.key) == reported
        for text in texts[row] if asked else ():
            scores = photos @ towers.texts([text])[0]
            same = {row} | {
                other
                for other, captions in enumerate(texts)
                if any(set(text.lower().split()) <= set(one.lower().split()) for one in captions)
            }
            places.append(min(int((scores > scores[right]).sum()) for right in same))
    return 100 * np.mean([[place < depth for place in places] for depth in (1, 5, 10)])


def test_both_models_are_measured_on_the_photos_kept_apart(judged, first, places):
    folder, output = judged
    apart, ordinary, dev = load_checkpoint(folder).origin.compared
    shards = sorted(places.photos.glob("*.tar"))
    held_out = [group.key for shard in shards for group in grouped(shard) if is_held_out(group.key, 0.4)]
    allowed = not any(each.lost > 2 for each in (apart, ordinary, dev)) and apart.after >= apart.before
    for model, figure in ((first, apart.before), (folder, apart.after)):
        assert figure == pytest.approx(recalls(model, shards, reported=allowed), abs=0.01)
    assert apart.photos == ordinary.photos == sum(is_reported(key) == allowed for key in held_out)
    assert apart.low <= apart.after - apart.before <= apart.high
    assert (apart.name, dev.name) == ("photos kept apart", "dev")
    assert [each.group for each in (apart, ordinary, dev)] == [
        "asked for",
        "ordinary searches",
        "public sets",
    ]
    assert re.search(
        rf"\nphotos kept apart +{apart.photos} +{apart.before:.1f} +{apart.after:.1f} +[-+]\d", output
    )
    origin = load_checkpoint(folder).origin
    assert origin.photos + len(held_out) == sum(1 for shard in shards for _ in grouped(shard))


def test_fewer_blanks_are_better(judged, first, places, tmp_path):
    """Among six photos the blanks are always among the first; only their ranks differ."""
    made = tmp_path / "made.pt"
    shutil.copy(judged[0] / CHECKPOINT, made)
    photos, shown = tmp_path / "photos.tar", tmp_path / "blanks.tar"
    groups = [group for shard in sorted(places.photos.glob("*.tar")) for group in grouped(shard)]
    for path, part, words in (
        (photos, groups[:6], {"queries": ["dog"]}),
        (shown, groups[6:9], {"kind": "x"}),
    ):
        write_archive(
            path, [(group.key, {"jpg": group.photo, "json": json.dumps(words).encode()}) for group in part]
        )
    library = pack_library(sorted(places.photos.glob("*.tar")), 0.4, tmp_path)
    asked = ComparisonSets(library, 0.4, (FoundTask(Blanks("blanks"), (photos, shown), tmp_path),))
    *_, found = compare_models(load_checkpoint(first), made, asked, lambda *_: None).compared
    assert found == load_checkpoint(made).origin.compared[-1]
    assert found.less_is_better
    assert found.lost == found.after - found.before


def test_a_run_that_cannot_be_judged_does_not_begin(command, first, tmp_path):
    with pytest.raises(RecipeError, match=r"compares the new model .* name that one with --from"):
        run_mctrain(*command(tmp_path / "run", *APART))
    with pytest.raises(DataError, match="a model cannot be judged by fewer than 5"):
        run_mctrain(*command(tmp_path / "run", *APART, "apart.share=0.001"), "--from", first)
    with pytest.raises(RecipeError, match=r"apart, share is 1\.5; it should be less than 1"):
        run_mctrain(*command(tmp_path / "run", *APART, "apart.share=1.5"), "--from", first)
    assert list((tmp_path / "run").glob("*.pt")) == []
