"""A captioner that has learnt two hundred photos by heart says of each what was said of it: this proves the mechanics, not quality."""

from __future__ import annotations

import copy
from itertools import islice

import open_clip
import pytest
import torch
from click.testing import CliRunner
from tests.trainer.conftest import members_of, write_shard
from tests.trainer.reinforce.coca import CONFIG, write_model
from torch.nn import functional as F  # noqa: N812 (torch's own custom)

from mctrain.cli.command import mctrain
from mctrain.data.shards import grouped, samples
from mctrain.data.words import words_of
from mctrain.reinforce.captioners.captioner import first_sentence
from mctrain.reinforce.captioning import open_captioner

PHOTOS, BATCH, STEPS = 200, 20, 500


@pytest.fixture(scope="module")
def photos(real_data):
    return list(islice(samples(real_data / "flickr8k-train-000000.tar"), PHOTOS))


@pytest.fixture(scope="module")
def learnt(photos, tmp_path_factory):
    """The title of a small CoCa that was trained on the shortest caption of each photo, in some four minutes of a core."""
    config = copy.deepcopy(CONFIG) | {"embed_dim": 96}
    config["vision_cfg"] |= {"patch_size": 8, "width": 96}
    for tower in ("text_cfg", "multimodal_cfg"):
        config[tower] |= {"width": 96, "heads": 4}
    torch.manual_seed(0)
    model = open_clip.coca_model.CoCa(**{name: own for name, own in config.items() if name != "custom_text"})
    torch.nn.init.normal_(model.text_decoder.text_projection, std=0.1)
    folder = tmp_path_factory.mktemp("learnt")
    title = write_model(folder, model, config)
    pixels = open_captioner(title)._model.pixels([own.image() for own in photos])
    captions = [min(own.words["captions"], key=len).lower() for own in photos]
    texts = open_clip.get_tokenizer("coca_ViT-B-32")(captions)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=STEPS, pct_start=0.1)
    for step in range(STEPS):
        if step % (PHOTOS // BATCH) == 0:
            order = torch.randperm(PHOTOS).split(BATCH)
        rows = order[step % (PHOTOS // BATCH)]
        length = int((texts[rows] != 0).sum(1).max())
        out = model(pixels[rows], texts[rows, :length])
        said = out["labels"] != 0
        loss = F.cross_entropy(out["logits"][said], out["labels"][said])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return write_model(folder, model, config)


@pytest.mark.soak
def test_the_captions_written_are_nearest_to_those_of_their_own_photo(learnt, photos, tmp_path):
    parts = [part for own in photos for part in members_of(own, b"{}")]
    shard = write_shard(tmp_path / "photos-000000.tar", parts)
    given = ["caption", str(shard), "--captioner", learnt, "--captions", "1", "-o", str(tmp_path / "out")]
    assert CliRunner().invoke(mctrain, given, catch_exceptions=False).exit_code == 0
    said = [
        words_of(group.members).synthetic["syn_text"][0]
        for group in grouped(tmp_path / "out" / "photos-000000.tar")
    ]
    own = sum(nearest(text, photos) == number for number, text in enumerate(said))
    assert own >= 0.8 * PHOTOS


def nearest(text, photos):
    """The number of the photo one of whose captions shares most words with a text, of all words of both."""
    words = set(text.split())
    overlaps = []
    for photo in photos:
        sets = [set(first_sentence(caption.lower()).split()) for caption in photo.words["captions"]]
        overlaps.append(max(len(words & other) / len(words | other) for other in sets))
    return overlaps.index(max(overlaps))
