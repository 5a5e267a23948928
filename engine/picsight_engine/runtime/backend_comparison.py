"""Compares Core ML with ONNX Runtime on the CPU, in results and speed, and chooses what reads a library's photos.

Core ML cannot be tested where most of this program is written, and it changes with each release of macOS. So it is used
only if it agreed on eight photos on this machine, under this system, with exactly these files and versions. Two backends use
it, a separate package (`coreml`) and ONNX Runtime's provider (`onnx`); both are candidates beside the CPU.
"""

from __future__ import annotations

import hashlib
import json
import logging
import platform
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.bundles.bundle import IMAGE_PACKAGE
from picsight_engine.bundles.json_records import read_record
from picsight_engine.foundation.assets import find_asset
from picsight_engine.foundation.errors import BundleError, Message, StorageError, faults_as
from picsight_engine.foundation.private_files import write_private
from picsight_engine.runtime.backend import Backend, load_image_encoder

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.runtime.backend import ImageEncoder

    Load = Callable[[Bundle, Backend], ImageEncoder]

LEAST_COSINE = 0.99
# One encoder process replaces up to six workers with one tower thread each. If decoding takes as long as the tower, three
# of the six run the tower at any moment, so a backend slower than these three would hold up the others.
LEAST_SPEEDUP = 3.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Machine:
    """The facts that decide about Core ML: what can run here, the system of a verdict, and the folder of verdicts.

    `system` includes the versions, because each of them changes numbers. Verdicts are stored in the cache folder of macOS,
    not in a bundle: the shipped one may be read-only.
    """

    apple_silicon: bool
    coremltools: bool
    provider: bool
    system: str
    verdicts: Path = Path("~/Library/Caches/picsight")

    @classmethod
    def this(cls) -> Machine:
        """The machine that this runs on."""
        apple_silicon = sys.platform == "darwin" and platform.machine() == "arm64"
        system = f"{platform.system()} {platform.release()} {platform.machine()}"
        if not apple_silicon:
            return cls(apple_silicon, coremltools=False, provider=False, system=system)
        from picsight_engine.runtime.onnx import has_core_ml  # imports onnxruntime: 230 ms

        versions = {name: _version(name) for name in ("onnxruntime", "coremltools")}
        system += f" {json.dumps(versions)}"
        return cls(apple_silicon, bool(versions["coremltools"]), has_core_ml(), system)


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of a candidate on the eight photos: the least cosine with the CPU's vectors, and seconds per photo.

    `fault` is the reason if there are no numbers; both are 0 then.
    """

    least: float
    seconds: float
    fault: str = ""


@dataclass(frozen=True, slots=True)
class BackendVerdict:
    """The results of all candidates for this system, by the names of `Backend`; `cpu` is seconds per photo of one thread."""

    system: str
    cpu: float
    trials: dict[str, Trial]


def holds_package(bundle: Bundle) -> bool:
    """Whether the bundle has a Core ML package of its image tower."""
    return any(name.startswith(f"{IMAGE_PACKAGE}/") for name in bundle.manifest.files)


def candidates(bundle: Bundle, machine: Machine) -> list[Backend]:
    """The backends other than the CPU that can run the bundle's image tower here."""
    if not machine.apple_silicon or bundle.manifest.image is None:
        return []
    package = [Backend.COREML] if machine.coremltools and holds_package(bundle) else []
    return [*package, *([Backend.PROVIDER] if machine.provider else [])]


def read_verdict(bundle: Bundle, machine: Machine) -> BackendVerdict | None:
    """The verdict on these files under this system; None if they were not compared yet."""
    try:
        data = json.loads(_place(bundle, machine).read_text(encoding="utf-8"))
        verdict = read_record(BackendVerdict, data)
    except (OSError, ValueError, KeyError):  # absent, or not written like this
        return None
    names = [backend.name for backend in candidates(bundle, machine)]
    return verdict if (verdict.system, [*verdict.trials]) == (machine.system, names) else None


def needs_comparison(bundle: Bundle, machine: Machine) -> bool:
    """Whether a candidate for the bundle was not compared with the CPU yet."""
    return bool(candidates(bundle, machine)) and read_verdict(bundle, machine) is None


def compare_once(bundle: Bundle, machine: Machine) -> None:
    """Compares if needed, after a model was installed; does not fail if the verdict cannot be stored.

    Raises:
        BundleError: the ONNX graph, which everything else is compared with, cannot be used.
    """
    if needs_comparison(bundle, machine):
        try:
            compare_backends(bundle, machine)
        except StorageError as fault:
            _LOG.warning("%s", fault)


def compare_backends(
    bundle: Bundle, machine: Machine, load: Load | None = None, clock: Callable[[], float] = time.perf_counter
) -> BackendVerdict:
    """Compares every candidate with the CPU on the packaged photos, and stores the verdict.

    Raises:
        BundleError: the ONNX graph, which everything else is compared with, cannot be used.
        StorageError: the verdict cannot be written.
    """
    import numpy as np

    from picsight_engine.bundles.preprocess import preprocess  # imports PIL

    load = load or (lambda bundle, backend: load_image_encoder(bundle, backend=backend))
    spec = bundle.image_spec()
    pixels = np.stack([preprocess(photo, spec) for photo in eight_photos()])
    wanted, cpu = _timed(load(bundle, Backend.ONNX), [each[None] for each in pixels], clock)
    trials = {}
    for backend in candidates(bundle, machine):
        try:
            vectors, seconds = _timed(load(bundle, backend), [pixels], clock)
            trials[backend.name] = Trial(least_cosine(vectors, wanted), seconds)
        except BundleError as reason:
            trials[backend.name] = Trial(0.0, 0.0, str(reason))
    verdict = BackendVerdict(machine.system, cpu, trials)
    _keep(_place(bundle, machine), verdict)
    return verdict


def _timed(
    encoder: ImageEncoder, parts: list[NDArray[np.float32]], clock: Callable[[], float]
) -> tuple[NDArray[np.float32], float]:
    """The vectors of all photos, and the seconds per photo after a first call for warm-up."""
    import numpy as np

    encoder.encode(parts[0])
    start = clock()
    vectors = np.concatenate([encoder.encode(part) for part in parts])
    return vectors, (clock() - start) / len(vectors)


def least_cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The least cosine between rows of unit vectors [n, dim]; 0 if one contains NaN."""
    least = float((one * other).sum(1).min())
    return least if least == least else 0.0  # noqa: PLR0124 -- not a number


def eight_photos() -> list[Image]:
    """The four packaged photographs, and the middle of each."""
    from PIL import Image

    photos = []
    for path in sorted(find_asset("known").glob("*.jpg")):
        with Image.open(path) as file:
            whole = file.convert("RGB")
        width, height = whole.size
        photos += [whole, whole.crop((width // 4, height // 4, width * 3 // 4, height * 3 // 4))]
    return photos


def _version(package: str) -> str:
    """Empty where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version  # 15 ms with all it needs

    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _place(bundle: Bundle, machine: Machine) -> Path:
    """The verdict's file: one per image tower, by its hashes, independent of its folder; a later verdict replaces it."""
    tower = (bundle.image_spec().graph, f"{IMAGE_PACKAGE}/")
    records = bundle.manifest.files.items()
    hashes = {name: record.sha256 for name, record in records if name.startswith(tower)}
    digest = hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()
    return machine.verdicts.expanduser() / f"coreml-{digest[:16]}.json"


def _keep(path: Path, verdict: BackendVerdict) -> None:
    words = "{path} cannot be written ({reason}), so photos are read without Core ML; check its permissions."
    with faults_as(OSError, StorageError, words, path=path):
        write_private(path, json.dumps(asdict(verdict), indent=2) + "\n")


@dataclass(frozen=True, slots=True)
class BackendChoice:
    """The backend of an image tower, and the reason in one sentence for the user."""

    backend: Backend
    sentence: Message


def choose_image_backend(bundle: Bundle, machine: Machine | None = None) -> BackendChoice:
    """The fastest backend that agreed with the CPU, if it is worth its own process; otherwise the CPU.

    Core ML takes seconds to start, so this is for the encoder process of an indexing run; for a few vectors, use
    `load_image_encoder` with its default.
    """
    machine = machine or Machine.this()
    tried = candidates(bundle, machine)
    verdict = read_verdict(bundle, machine) if tried else None
    hindrance = _hindrance(bundle, machine)
    if verdict is None:
        untried = Message("Core ML was not compared with it on this system yet")
        return BackendChoice(Backend.ONNX, _by_onnx_runtime(untried if tried else hindrance))
    refusals = {name: _refusal(verdict.cpu, trial) for name, trial in verdict.trials.items()}
    suitable = [name for name, refusal in refusals.items() if refusal is None]
    if not suitable:
        named = (refusal and refusal.about(backend=Backend[name].value) for name, refusal in refusals.items())
        return BackendChoice(Backend.ONNX, _by_onnx_runtime(*named, hindrance))
    best = min(suitable, key=lambda name: verdict.trials[name].seconds)
    trial = verdict.trials[best]
    return BackendChoice(
        Backend[best],
        Message(
            "Photos are read by {backend}, which agrees to {least:.3f} and is {speedup:.1f} times as fast as one thread of the CPU.",
            backend=Backend[best].value,
            least=trial.least,
            speedup=verdict.cpu / trial.seconds,
        ),
    )


def _by_onnx_runtime(*reasons: Message | None) -> Message:
    known = list(filter(None, reasons))
    if not known:
        return Message("Photos are read by ONNX Runtime.")
    words = "Photos are read by ONNX Runtime: {reasons}."
    return Message(words, reasons=Message("{first}; {next}").joining(known))


def _hindrance(bundle: Bundle, machine: Machine) -> Message | None:
    """The reason why Core ML cannot run the package of a bundle."""
    if not holds_package(bundle) or (machine.apple_silicon and machine.coremltools):
        return None
    if not machine.apple_silicon:
        return Message("Core ML needs a Mac with Apple's own processor")
    return Message("Core ML needs Picsight installed with the extra coreml")


def _refusal(cpu: float, trial: Trial) -> Message | None:
    """Why a candidate, the `{backend}`, is not used; None if it may be used."""
    if trial.fault or trial.seconds <= 0:
        return Message("{backend} cannot be used here ({fault})", fault=trial.fault.rstrip("."))
    if not trial.least >= LEAST_COSINE:
        words = "{backend} agrees only to {least:.3f}, {needed} is needed"
        return Message(words, least=trial.least, needed=LEAST_COSINE)
    speedup = cpu / trial.seconds
    if speedup < LEAST_SPEEDUP:
        words = "{backend} is {speedup:.1f} times as fast as one thread of the CPU, {needed:g} are needed"
        return Message(words, speedup=speedup, needed=LEAST_SPEEDUP)
    return None
