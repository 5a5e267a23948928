"""A run that keeps photos apart says at its end whether they, and the sets of others, are found better than before."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from mctrain.cli.command import mctrain
from mctrain.data.apart import is_apart, pack_library
from mctrain.data.shards import grouped, write_archive
from mctrain.errors import DataError, RecipeError
from mctrain.evaluation.tasks import Blanks, FoundTask
from mctrain.teachers.towers import Towers
from mctrain.training.verdict import Questions, judge
from mctrain.weights.checkpoint import CHECKPOINT, load_checkpoint

APART = ("apart.share=0.4", "apart.most_lost=2", "run.steps=2", "run.batch=4")


def invoke(words):
    return CliRunner().invoke(mctrain, list(map(str, words)), catch_exceptions=False)


@pytest.fixture(scope="module")
def first(command, tmp_path_factory):
    """The folder of a run to begin with."""
    folder = tmp_path_factory.mktemp("first")
    invoke(command(folder, *APART[2:]))
    return folder


@pytest.fixture(scope="module")
def judged(command, first, tmp_path_factory):
    """The folder of a run that begins with it, and what it told."""
    folder = tmp_path_factory.mktemp("judged")
    told = invoke([*command(folder, *APART, "optimizer.rate=0.05"), "--from", first])
    assert told.exit_code == 0, told.output
    return folder, told.output


def recalls(model, shards):
    """The mean recall at 1, 5 and 10 of the captions of photos kept apart, counted one by one."""
    checkpoint = load_checkpoint(model)
    towers = Towers(checkpoint.clip, checkpoint.preset, "", "")
    groups = [group for shard in shards for group in grouped(shard)]
    texts = [[group.members["txt"].decode(), *json.loads(group.members["json"])["texts"]] for group in groups]
    photos = towers.photos([group.image() for group in groups], [group.key for group in groups])
    places = []
    for row, group in enumerate(groups):
        for text in texts[row] if is_apart(group.key, 0.4) else ():
            scores = photos @ towers.texts([text])[0]
            same = {row} | {
                other
                for other, said in enumerate(texts)
                if any(set(text.lower().split()) <= set(one.lower().split()) for one in said)
            }
            places.append(min(int((scores > scores[own]).sum()) for own in same))
    return 100 * np.mean([[place < depth for place in places] for depth in (1, 5, 10)])


def test_both_models_look_for_the_photos_kept_apart(judged, first, places):
    folder, told = judged
    own, ordinary, dev = load_checkpoint(folder).origin.compared
    shards = sorted(places.photos.glob("*.tar"))
    assert own.before == pytest.approx(recalls(first, shards), abs=0.01)
    assert own.after == pytest.approx(recalls(folder, shards), abs=0.01)
    assert own.before != own.after
    assert (own.name, dev.name, dev.photos) == ("photos kept apart", "dev", 6)
    assert [each.group for each in (own, ordinary, dev)] == ["asked for", "ordinary searches", "public sets"]
    assert re.search(rf"\nphotos kept apart +{own.photos} +{own.before:.1f} +{own.after:.1f} +[-+]\d", told)
    origin = load_checkpoint(folder).origin
    assert origin.photos + own.photos == sum(1 for shard in shards for _ in grouped(shard))


def test_blanks_are_judged_by_how_few_come_up(judged, first, places, tmp_path):
    """Among six photos the blanks are always among the first, so that nothing can be lost or won but how early they come."""
    made = tmp_path / "made.pt"
    shutil.copy(judged[0] / CHECKPOINT, made)
    photos, shown = tmp_path / "photos.tar", tmp_path / "blanks.tar"
    groups = [own for shard in sorted(places.photos.glob("*.tar")) for own in grouped(shard)]
    for path, part, words in (
        (photos, groups[:6], {"queries": ["dog"]}),
        (shown, groups[6:9], {"kind": "x"}),
    ):
        write_archive(
            path, [(own.key, {"jpg": own.photo, "json": json.dumps(words).encode()}) for own in part]
        )
    own = pack_library(sorted(places.photos.glob("*.tar")), 0.4, tmp_path)
    asked = Questions(own, 0.4, (FoundTask(Blanks("blanks"), (photos, shown), tmp_path),))
    *_, found = judge(load_checkpoint(first), made, asked, lambda *_: None)
    assert found == load_checkpoint(made).origin.compared[-1]
    assert found.less_is_better
    assert found.lost == found.after - found.before


def test_what_cannot_be_judged_does_not_begin(command, first, tmp_path):
    with pytest.raises(RecipeError, match=r"compares the new model .* name that one with --from"):
        invoke(command(tmp_path / "run", *APART))
    with pytest.raises(DataError, match="a model cannot be judged by fewer than 5"):
        invoke([*command(tmp_path / "run", *APART, "apart.share=0.001"), "--from", first])
    with pytest.raises(RecipeError, match=r"apart, share is 1\.5; it should be less than 1"):
        invoke([*command(tmp_path / "run", *APART, "apart.share=1.5"), "--from", first])
    assert list((tmp_path / "run").glob("*.pt")) == []
