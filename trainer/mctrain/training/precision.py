"""What a step computes in: float32, bfloat16, or float16 with a loss that is scaled up so that small gradients survive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mctrain.errors import TrainerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor, nn

    from mctrain.recipes.run import Numbers

_NUMBERS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """The numbers of the towers' products on one device; `scaler` is part of a run's state."""

    def __init__(self, kind: Numbers, device: torch.device) -> None:
        self.device = device
        self.numbers = _NUMBERS[kind]
        self.scaler = torch.amp.GradScaler(device.type, enabled=kind == "fp16")

    def towers(self) -> torch.autocast:
        """For a pass forward, each one of its own: what is cast inside without gradients is kept without them."""
        return torch.autocast(self.device.type, self.numbers, enabled=self.numbers != torch.float32)

    def backward(self, loss: Tensor, *begun: tuple[Tensor, Tensor]) -> None:
        """Adds the gradients of a loss, scaled where halves need it, and goes on from tensors whose gradients are known."""
        roots = [(self.scaler.scale(loss), None), *begun]
        torch.autograd.backward([own for own, _ in roots], [gradient for _, gradient in roots])

    def step(
        self, optimizer: torch.optim.Optimizer, parameters: Iterable[nn.Parameter], longest: float
    ) -> float:
        """Cuts the gradient to a length, takes a step, and says how long it was, without its scale.

        In float16 a length that is no number means that the step was left out and the scale lowered, down to 1.

        Raises:
            TrainerError: the gradient is no number, and that is not for want of a smaller scale; nothing was changed.
        """
        self.scaler.unscale_(optimizer)
        length = torch.nn.utils.clip_grad_norm_(parameters, longest)
        if not length.isfinite() and self.scaler.get_scale() <= 1:
            raise TrainerError(
                "The gradient is no number any more; take a lower rate or a longer warm-up, in another folder."
            )
        self.scaler.step(optimizer)
        self.scaler.update()
        return float(length)
