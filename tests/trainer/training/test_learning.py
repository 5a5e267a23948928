"""A student learns a batch by heart, and its curve is the one that was written down."""

from __future__ import annotations

from dataclasses import replace

from tests.trainer.training.conftest import TEACHERS, learn

from mctrain.training.losses import Embeddings, LossSettings


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
