"""The loop of a distillation: a step, and what happens between two of them.

A step depends on its number, the seed, and the state before it; so a run that was killed ends with the weights of one that
was not.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F  # noqa: N812 (torch's own custom)
from torch.nn.attention import SDPBackend, sdpa_kernel

from mctrain.optimisation.groups import set_rate
from mctrain.training.distillation.batches import bank_of_step, batches_of_pass
from mctrain.training.distillation.losses import bank_loss, cosine_loss
from mctrain.training.facts import Facts
from mctrain.training.loop import Ending
from mctrain.training.metrics import duration
from mctrain.training.ranks import Rank
from mctrain.training.state import origin_of, save_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from mctrain.training.distillation.corpus import Corpus
    from mctrain.training.distillation.recipe import DistillationRecipe
    from mctrain.training.metrics import Metrics
    from mctrain.training.state import Position
    from mctrain.training.student import Student
    from mctrain.training.surroundings import Surroundings
    from mctrain.weights.checkpoint import Trained


@dataclass(frozen=True, slots=True)
class Distillation:
    """What steps are made of: the student, of which the text tower alone learns, and the corpus; `at` moves on with them.

    `identity` is what a state must have been made with to be this run's; so many `texts` were made into lessons.
    """

    recipe: DistillationRecipe
    student: Student
    corpus: Corpus
    identity: Mapping[str, Any]
    texts: int
    at: Position

    @property
    def origin(self) -> Trained:
        """What is told of the weights that it has made so far."""
        return origin_of(self.recipe, self.identity, self.at, texts=self.texts)

    @property
    def steps_of_pass(self) -> int:
        """How many batches all texts make."""
        table = self.recipe.distillation
        return len(batches_of_pass(self.corpus.lengths, table.tokens, table.seed, 0))

    @property
    def steps(self) -> int:
        """Of the whole run."""
        return max(1, round(self.recipe.distillation.passes * self.steps_of_pass))


def distil(run: Distillation, metrics: Metrics, around: Surroundings) -> Ending:
    """Teaches to the end, or to where a signal stops it.

    Raises:
        TrainerError: the gradient is no number any more; the last state is the one to go on from.
    """
    table, steps, interrupts = run.recipe.distillation, run.steps, around.interrupts
    for rows in _batches(run, steps):
        began = time.perf_counter()
        values = take_step(run, rows, steps)
        run.at.step += 1
        run.at.facts.add(len(rows), time.perf_counter() - began, 0.0, values)
        over, sentence = run.at.step == steps, ""
        if over or run.at.step % table.log_every == 0:
            sentence = _tell(run, metrics, steps)
        around.journal.advance(run.at.step, steps, sentence)
        if over or interrupts.received or run.at.step % table.save_every == 0:
            save_state(around.folder, run)
        if interrupts.received and not over:
            why = f"stopped by a signal after {run.at.step} of {steps} steps"
            return Ending(f"{why}; the same command goes on from here", interrupts.received)
    return Ending(f"{steps} steps")


def take_step(run: Distillation, rows: NDArray[np.int64], steps: int) -> dict[str, float]:
    """One step over lessons of one length; the figures of the step."""
    table, loss, student = run.recipe.optimizer, run.recipe.loss, run.student
    rate = table.rate_at(run.at.step, steps)
    set_rate(student.optimizer, rate)
    student.optimizer.zero_grad(set_to_none=True)
    wanted = _vectors(run.corpus, rows)
    bank = bank_of_step(len(run.corpus.vectors), loss.texts, run.recipe.distillation.seed, run.at.step)
    # attention as plain products: on processors torch's fused one takes twice as long on the way back
    with sdpa_kernel(SDPBackend.MATH):
        found = embed(student, torch.from_numpy(run.corpus.ids(rows)))
        cosine = cosine_loss(found, wanted)
        relations = bank_loss(found, wanted, _vectors(run.corpus, bank), loss.scale)
        student.precision.backward(cosine + loss.weight * relations)
    length = student.step(table.longest)
    return {"cosine": 1 - cosine.item(), "relations": relations.item(), "rate": rate, "gradient": length}


def embed(student: Student, ids: Tensor) -> Tensor:
    """Unit vectors [n, dim] in float32 of token ids [n, tokens]."""
    text: nn.Module | None = student.clip.text
    assert text is not None
    with student.precision.towers():
        found = text(ids)
    return F.normalize(found.float(), dim=1)


def _vectors(corpus: Corpus, rows: NDArray[np.int64]) -> Tensor:
    """The teacher's, [n, dim]."""
    return F.normalize(torch.from_numpy(corpus.vectors[rows]).float(), dim=1)


def _batches(run: Distillation, steps: int) -> Iterator[NDArray[np.int64]]:
    """From where the run is to its end."""
    table, each = run.recipe.distillation, run.steps_of_pass
    while run.at.step < steps:
        number, first = divmod(run.at.step, each)
        batches = batches_of_pass(run.corpus.lengths, table.tokens, table.seed, number)
        yield from batches[first : first + steps - run.at.step]


def _tell(run: Distillation, metrics: Metrics, steps: int) -> str:
    line = run.at.facts.line(Rank())
    seconds = run.at.facts.seconds / run.at.facts.steps
    run.at.facts = Facts()
    speed = line.pop("photos_a_second")  # of whatever a run counts
    metrics.tell(run.at.step, {**line, "texts_a_second": speed})
    return (
        f"cosine {line['cosine']:.3f}, {speed:.0f} texts/s, {duration((steps - run.at.step) * seconds)} left"
    )
