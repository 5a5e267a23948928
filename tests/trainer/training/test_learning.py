"""A student learns a batch by heart, and its curve is the one that was written down."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.trainer.training.conftest import TEACHERS, learn

from mctrain.training.losses import Embeddings, LossSettings

CURVE = Path(__file__).with_name("golden.json")


def test_one_batch_is_learnt_by_heart(opened):
    run = opened("loss.distil=0", "data.bank=0", "run.batch=6", "run.steps=25", "optimizer.rate=3e-3")
    lesson = next(run.feed.lessons(0, 1))
    losses = learn(run, [lesson] * run.steps)
    assert losses[0] > 3
    assert losses[-1] < 0.01


def test_a_teacher_is_learnt_by_heart(opened):
    """One alone: the mean of two answers of two teachers need not be the answers of any student."""
    run = opened("loss.distil=1", "run.batch=4", "run.steps=36", "optimizer.rate=2e-3")
    run = replace(run, loss=LossSettings(1.0, TEACHERS[:1]))
    lesson = next(run.feed.lessons(0, 1))
    kinds = (lesson.taught.photos, lesson.taught.captions, lesson.taught.synthetic, lesson.taught.bank)
    first = Embeddings(*(own[:, : TEACHERS[0].width] for own in kinds))
    losses = learn(run, [replace(lesson, taught=first)] * run.steps)
    assert losses[0] > 3
    assert losses[-1] < 0.03


def exact(lesson, number):
    """In double precision, its photos noise that no decoder has a part in."""
    pixels = torch.from_numpy(np.random.default_rng(number).random(lesson.pixels.shape))
    kinds = (lesson.taught.photos, lesson.taught.captions, lesson.taught.synthetic, lesson.taught.bank)
    return replace(lesson, pixels=pixels, taught=Embeddings(*(own.double() for own in kinds)))


def test_fifty_steps_have_the_losses_that_were_written_down(opened):
    """Written by this very code: who changes what a step does has to write them anew, and say why."""
    run = opened("run.steps=50", "optimizer.average=0", "optimizer.rate=5e-4")
    run.student.clip.double()
    lessons = (exact(lesson, number) for number, lesson in enumerate(run.feed.lessons(0, 50)))
    losses = learn(run, lessons)
    assert losses == pytest.approx(json.loads(CURVE.read_text()), abs=1e-3)
    assert losses[-1] < losses[0] - 1
