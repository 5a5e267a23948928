"""The input of each step: augmented photos, token ids, and the teachers' embeddings of both."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from mctrain.data.reading.sampling import EpochPart
from mctrain.training.step.accumulation import BatchPart
from mctrain.training.step.losses import Embeddings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from mctrain.data.reading.batch import TrainingBatch
    from mctrain.data.reading.reader import Data
    from mctrain.data.reinforced.bank import Bank
    from mctrain.recipes.training import TrainingRecipe
    from mctrain.training.frozen_views import FrozenViews
    from mctrain.training.step.ranks import Rank
    from picsight_engine.bundles.bundle import ImageSpec
    from picsight_engine.bundles.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class StepData:
    """One step of one process: photos [n, 3, size, size] from 0 to 1, token ids, and the teachers' embeddings.

    The ids are of captions, synthetic texts and bank texts; `waited` is the wait for the data in seconds. With stored
    views, `pixels` are the trunk's outputs and `ids` vectors.
    """

    pixels: Tensor
    ids: tuple[Tensor, Tensor, Tensor]  # [n, tokens], [n or 0, tokens], [m, tokens]
    teacher: Embeddings
    waited: float

    def parts(self, pixels: Tensor, count: int) -> list[BatchPart]:
        """Splits the step into `count` parts, in order, with these normalised pixels."""
        rows = [torch.tensor_split(each, count) for each in (pixels, *self.ids)]
        return [
            BatchPart(photos, torch.cat(texts), (len(texts[0]), len(texts[1]), len(texts[2])))
            for photos, *texts in zip(*rows, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Feed:
    """The data of a run for one of its processes; `bank` and `frozen` are None if the recipe has none."""

    recipe: TrainingRecipe
    data: Data
    bank: Bank | None
    tokenizer: Tokenizer
    spec: ImageSpec
    rank: Rank
    workers: int
    device: torch.device
    frozen: FrozenViews | None = None

    @property
    def steps_of_pass(self) -> int:
        """Whole batches per epoch."""
        return len(self.data) // self.recipe.run.batch

    def batches(self, start: int, end: int) -> Iterator[StepData]:
        """The steps from `start` on; each depends only on its number and the seed.

        Raises:
            DataError: as the reader.
        """
        while start < end:
            stop = min(end, (start // self.steps_of_pass + 1) * self.steps_of_pass)
            epoch, first = divmod(start, self.steps_of_pass)
            run = self.recipe.run
            part = EpochPart(
                epoch=epoch,
                seed=run.seed,
                batch=run.batch,
                size=self.spec.size,
                start=first,
                stop=first + stop - start,
                rank=self.rank.number,
                ranks=self.rank.count,
            )
            batches = self.data.batches(part, self.workers) if self.frozen is None else iter(())
            for step in range(first, first + stop - start):
                if self.frozen is not None:
                    yield _stored_step(*self.frozen.rows(part, step))
                    continue
                asked = time.perf_counter()
                batch = next(batches)
                waited = time.perf_counter() - asked
                yield self._step_data(batch, epoch, step, waited)
            start = stop

    def _step_data(self, batch: TrainingBatch, epoch: int, step: int, waited: float) -> StepData:
        texts: Sequence[str] = ()
        known = np.empty((0, batch.image_embeddings.shape[1]), np.float32)
        if self.bank:
            drawn = self.bank.draw(epoch, step, self.recipe.run.seed, self.recipe.data.bank)
            rows = drawn[self.rank.number :: self.rank.count]  # this process's share of the batch
            texts, known = self.bank.texts(rows), self.bank.embeddings(rows)
        ids = self.ids([*batch.captions, *batch.synthetic, *texts])
        captions, synthetic, bank = torch.split(ids, [len(batch.captions), len(batch.synthetic), len(texts)])
        teacher = Embeddings(
            self._to(batch.image_embeddings),
            self._to(batch.caption_embeddings),
            self._to(batch.synthetic_embeddings),
            self._to(torch.from_numpy(known).float()),
        )
        return StepData(self._to(batch.pixels).float() / 255, (captions, synthetic, bank), teacher, waited)

    def ids(self, texts: Sequence[str]) -> Tensor:
        """Token ids [n, tokens]."""
        return self._to(torch.from_numpy(self.tokenizer.encode(texts)))

    def _to(self, values: Tensor) -> Tensor:
        return values.to(self.device, non_blocking=True)


def _stored_step(given: Tensor, texts: Tensor) -> StepData:
    nothing = texts[:, :0]
    teacher = Embeddings(nothing, nothing, nothing[:0], nothing[:0])
    return StepData(given, (texts, texts[:0], texts[:0]), teacher, 0.0)
