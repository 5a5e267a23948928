"""A student can learn a batch by heart."""

from __future__ import annotations

from dataclasses import replace

from tests.trainer.training.conftest import TEACHERS, learn

from mctrain.training.step.losses import Embeddings, LossSettings


def test_a_student_learns_a_batch_by_heart(opened):
    """From one teacher: no student need match the mean of two."""
    run = opened("loss.distil=1", "run.batch=4", "run.steps=36", "optimizer.rate=2e-3")
    run = replace(run, loss=LossSettings(1.0, TEACHERS[:1]))
    batch = next(run.feed.batches(0, 1))
    kinds = (batch.teacher.photos, batch.teacher.captions, batch.teacher.synthetic, batch.teacher.bank)
    first = Embeddings(*(rows[:, : TEACHERS[0].width] for rows in kinds))
    losses = learn(run, [replace(batch, teacher=first)] * run.steps)
    assert losses[0] > 3
    assert losses[-1] < 0.03
