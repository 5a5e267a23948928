"""Chooses the backend that runs a bundle's image tower over a whole library on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.runtime.agreement import LEAST_COSINE, Machine, candidates, holds_package, read_verdict
from picsight_engine.runtime.backend import Backend

if TYPE_CHECKING:
    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.runtime.agreement import BackendVerdict

# One encoder process replaces up to six workers with one tower thread each. If decoding takes as long as the tower, three
# of the six run the tower at any moment, so a backend slower than these three would hold up the others.
LEAST_SPEEDUP = 3.0


@dataclass(frozen=True, slots=True)
class BackendChoice:
    """The backend of an image tower, and the reason in one sentence for the user."""

    backend: Backend
    sentence: str


def choose_image_backend(bundle: Bundle, machine: Machine | None = None) -> BackendChoice:
    """The fastest backend that agreed with the CPU, if it is worth its own process; otherwise the CPU.

    Core ML takes seconds to start, so this is for the encoder process of an indexing run; for a few vectors, use
    `load_image_encoder` with its default.
    """
    machine = machine or Machine.this()
    if not candidates(bundle, machine):
        return BackendChoice(Backend.ONNX, f"Photos are read by ONNX Runtime{_hindrance(bundle, machine)}.")
    verdict = read_verdict(bundle, machine)
    if verdict is None:
        return BackendChoice(
            Backend.ONNX,
            "Photos are read by ONNX Runtime: Core ML was not compared with it on this system yet.",
        )
    refusals = {backend: _refusal(verdict, backend) for backend in verdict.trials}
    suitable = [backend for backend, reason in refusals.items() if not reason]
    if not suitable:
        reasons = "; ".join(f"{backend.value} {reason}" for backend, reason in refusals.items())
        return BackendChoice(
            Backend.ONNX, f"Photos are read by ONNX Runtime: {reasons}{_hindrance(bundle, machine)}."
        )
    best = min(suitable, key=lambda backend: verdict.trials[backend].seconds)
    trial = verdict.trials[best]
    return BackendChoice(
        best,
        f"Photos are read by {best.value}, which agrees to {trial.least:.3f} and is "
        f"{verdict.cpu / trial.seconds:.1f} times as fast as one thread of the CPU.",
    )


def _hindrance(bundle: Bundle, machine: Machine) -> str:
    """The reason why Core ML cannot run the package of a bundle."""
    if not holds_package(bundle) or (machine.apple_silicon and machine.coremltools):
        return ""
    if not machine.apple_silicon:
        return "; Core ML needs a Mac with Apple's own processor"
    return "; Core ML needs Picsight installed with the extra coreml"


def _refusal(verdict: BackendVerdict, backend: Backend) -> str:
    """Why a candidate is not used; empty if it may be used."""
    trial = verdict.trials[backend]
    if trial.fault or trial.seconds <= 0:
        return f"cannot be used here ({trial.fault.rstrip('.')})"
    if not trial.least >= LEAST_COSINE:
        return f"agrees only to {trial.least:.3f}, {LEAST_COSINE} is needed"
    speedup = verdict.cpu / trial.seconds
    if speedup < LEAST_SPEEDUP:
        return f"is {speedup:.1f} times as fast as one thread of the CPU, {LEAST_SPEEDUP:g} are needed"
    return ""
