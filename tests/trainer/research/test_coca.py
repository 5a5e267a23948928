"""The sampler computes open_clip's logits at every step, and draws from them."""

from __future__ import annotations

from itertools import islice

import pytest
import torch
from transformers.generation.logits_process import TopPLogitsWarper

from mctrain.cli.commands.caption import open_captioner
from mctrain.data.shards import samples
from mctrain.reinforce.captioners.captioner import SamplingSettings, first_sentence
from mctrain.research.coca import Decoder, image_tokens, nucleus


@pytest.fixture(scope="module")
def captioner(coca):
    return open_captioner(coca[0])


@pytest.fixture(scope="module")
def photos(photo_sets):
    return [sample.image() for sample in islice(samples(photo_sets / "flickr8k-train-000000.tar"), 3)]


@torch.no_grad()
def test_the_logits_of_every_step_are_open_clips(coca, captioner, photos):
    model, pixels = coca[1], captioner._model.pixels(photos)
    ids = torch.randint(1, 49406, (6, 10), generator=torch.Generator().manual_seed(1))
    decoder = Decoder(model, image_tokens(model, pixels), 2, 10)
    for place in range(10):
        found = decoder.step(ids[:, place])
        wanted = model(pixels.repeat_interleave(2, 0), ids[:, : place + 1], output_labels=False)["logits"][
            :, -1
        ]
        assert torch.allclose(found, wanted, atol=2e-4, rtol=1e-4)
        assert wanted.std() > 0.5  # it says something


@pytest.mark.parametrize("top_p", [0.1, 0.5, 0.9, 1.0])
def test_nucleus_sampling_draws_what_the_reference_keeps(top_p):
    logits = torch.randn(200, 60, generator=torch.Generator().manual_seed(2)) * 2
    left = TopPLogitsWarper(top_p)(None, logits.clone()).double().softmax(1)
    middles = left.cumsum(1) - left / 2
    rows, ids = left.nonzero(as_tuple=True)
    assert (nucleus(logits[rows], top_p, middles[rows, ids]) == ids).all()
    for drawn in (0.0, 1 - 2**-53):
        found = nucleus(logits, top_p, torch.full((200,), drawn, dtype=torch.float64))
        assert (left.gather(1, found[:, None]) > 0).all()


def test_captions_depend_on_photo_and_seed_alone(captioner, photos):
    sampling = SamplingSettings(captions=2, tokens=12)
    together = captioner.describe(photos, [5, 6, 7], sampling)
    assert [
        captioner.describe([photo], [seed], sampling)[0]
        for photo, seed in zip(photos, (5, 6, 7), strict=True)
    ] == together
    assert captioner.describe(photos[:1], [8], sampling)[0] != together[0]
    assert all(first != second for first, second in together)


def test_a_caption_has_a_start_a_least_length_and_an_end(captioner, photos):
    pixels = captioner._model.pixels(photos)
    for tokens in (6, 12):
        ids = captioner.draw(pixels, range(3), SamplingSettings(captions=4, top_p=1.0, tokens=tokens))
        assert ids.shape == (12, tokens)
        assert (ids[:, 0] == 49406).all()
        assert (ids[:, 1:5] != 49407).all()
        assert all(49407 in row or 0 in row for row in ids.tolist())


def test_the_first_sentence_of_a_text_is_kept():
    assert first_sentence("a dog  on a sofa . it sleeps .") == "a dog on a sofa"
    assert first_sentence("a st. bernard") == "a st"
    assert first_sentence(" . ") == ""
