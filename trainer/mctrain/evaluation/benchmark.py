"""Asks a subject the tasks of DataComp through the package clip-benchmark, as DataComp's own code does: the package reads
the samples with their class names and templates, makes the classifier and multiplies; figures are counted here.

A subject embeds pictures and texts, not pixels and tokens. So each picture becomes its vector where the package would only
scale it, each text where it would only be cut into tokens, and the model that the package sees passes both through.
"""

from __future__ import annotations

import contextlib
import io
import tarfile
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from mctrain.data.shards import PHOTO_SUFFIXES, split_name
from mctrain.errors import DataError
from mctrain.evaluation.datacomp import classified, retrieved, wants_metadata
from mctrain.evaluation.outcome import Answers
from picsight_engine.errors import PicsightError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import PIL.Image
    from numpy.typing import NDArray
    from torch import Tensor

    from mctrain.evaluation.subject import Subject

_BATCH = 64
_SPLIT = "test"
_READ = PHOTO_SUFFIXES | {"cls", "npy", "txt", "json"}
_KIND, _CLASSES, _TEMPLATES = "dataset_type.txt", "classnames.txt", "zeroshot_classification_templates.txt"


def ask(subject: Subject, task: str, folder: Path) -> Answers:
    """The answers to one task whose files lie in this folder.

    Raises:
        DataError: a file is missing or damaged, or holds what no task of DataComp has.
    """
    index = _read_index(folder, with_groups=wants_metadata(task))
    model = _Embedding(subject, iter(index.keys))
    try:
        with _quietly():
            dataset = _open(folder, task, model)
            if dataset.classes is None:
                return _retrieval(subject, task, dataset, index)
            return _classification(model, task, dataset, index)
    except PicsightError:
        raise
    # The border to a foreign library, which on damaged files raises whatever its readers ran into.
    except Exception as fault:
        reason = " ".join(str(fault.__cause__ or fault).split()).rstrip(".")
        raise DataError(f"{folder} cannot be read by clip-benchmark: {reason}.") from fault


class _Embedding:
    """What the package takes for a model, its transform of pictures, and its tokenizer."""

    def __init__(self, subject: Subject, keys: Iterator[str]) -> None:
        self._subject, self._keys = subject, keys

    def picture(self, picture: PIL.Image.Image) -> Tensor:
        """Its vector [dim], in place of its pixels."""
        return torch.from_numpy(self._subject.picture(picture, next(self._keys)))

    def texts(self, texts: Sequence[str]) -> Tensor:
        """Their vectors [n, dim], in place of their tokens."""
        return torch.from_numpy(self._subject.texts(texts))

    def encode_image(self, vectors: Tensor) -> Tensor:
        """Nothing is left to do."""
        return vectors

    encode_text = encode_image


@dataclass(frozen=True, slots=True)
class _Index:
    """What of the samples the package does not tell: their keys, and the groups [n] that worst ones are sought among."""

    folder: Path
    keys: tuple[str, ...]
    groups: NDArray[np.int64]

    def demand(self, count: int) -> None:
        """That the package has read all of them."""
        if count != len(self.keys):
            raise DataError(
                f"{self.folder} holds {len(self.keys)} samples, of which {count} can be read; copy it again."
            )


def _read_index(folder: Path, *, with_groups: bool) -> _Index:
    keys, groups = dict[str, None](), list[int]()
    try:
        count = int((folder / _SPLIT / "nshards.txt").read_text(encoding="utf-8"))
        for number in range(count):
            for key, suffix, content in _members(folder / _SPLIT / f"{number}.tar"):
                keys[f"{number}/{key}"] = None
                if with_groups and suffix == "npy":
                    groups.append(int(np.load(io.BytesIO(content)).flat[0]))
    except (OSError, ValueError, tarfile.TarError) as fault:
        raise DataError(f"{folder} cannot be read: {fault}.") from fault
    if with_groups and len(groups) != len(keys):
        raise DataError(f"{folder} has {len(keys)} samples and metadata of {len(groups)}; copy it again.")
    return _Index(folder, tuple(keys), np.array(groups, np.int64))


def _members(shard: Path) -> Iterator[tuple[str, str, bytes]]:
    """The files of a shard as (key, suffix, bytes), those of pictures without their bytes.

    Raises:
        DataError: one is of a kind that the package would run instead of reading it.
    """
    with tarfile.open(shard) as archive:
        for member in archive:
            key, suffix = split_name(member.name)
            if member.isfile() and suffix not in _READ:
                raise DataError(
                    f"{shard} holds {member.name}, which no task of DataComp has; nothing of it was read."
                )
            content = archive.extractfile(member) if suffix == "npy" else None
            if member.isfile():
                yield key, suffix, content.read() if content else b""


def _open(folder: Path, task: str, model: _Embedding) -> Any:
    """The package's own dataset; it has no classes where captions are to be found."""
    from clip_benchmark.datasets.builder import build_dataset  # with torchvision: 5 s

    kind = folder / _KIND
    retrieval = kind.is_file() and kind.read_text(encoding="utf-8").strip() == "retrieval"
    missing = [name for name in (_CLASSES, _TEMPLATES) if not (folder / name).is_file()]
    if missing and not retrieval:
        raise DataError(f"{folder} has no {missing[0]}, so it asks nothing; copy it again.")
    return build_dataset(
        f"wds/{task}",
        root=str(folder.absolute()),
        transform=model.picture,
        split=_SPLIT,
        download=False,
        task="zeroshot_retrieval" if retrieval else "zeroshot_classification",
    )


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """The package draws bars of its own, prints what it misses, and leaves files to be closed by chance."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


def _classification(model: _Embedding, task: str, dataset: Any, index: _Index) -> Answers:
    from clip_benchmark.metrics.zeroshot_classification import run_classification, zero_shot_classifier

    classes = dataset.classes
    classifier = zero_shot_classifier(model, model.texts, classes, dataset.templates, "cpu", amp=False)
    loader = DataLoader(dataset.batched(_BATCH), batch_size=None)
    logits, labels = run_classification(model, classifier, loader, "cpu", amp=False)
    index.demand(len(labels))
    if not 0 <= int(labels.min()) <= int(labels.max()) < len(classes):
        raise DataError(f"{index.folder} has the label {int(labels.max())}, and {len(classes)} class names.")
    outcomes = classified(task, logits.numpy(), labels.numpy(), index.groups)
    return Answers(index.keys, len(classes), tuple(outcomes))


def _retrieval(subject: Subject, task: str, dataset: Any, index: _Index) -> Answers:
    vectors, captions = zip(*dataset, strict=True)
    index.demand(len(vectors))
    bare = [key for key, own in zip(index.keys, captions, strict=True) if not own]
    if bare:
        raise DataError(f"{index.folder} has no caption of {bare[0]}, and asks for them; copy it again.")
    texts = [own for each in captions for own in each]
    owner = np.repeat(np.arange(len(captions)), [len(own) for own in captions])
    photos = torch.stack(vectors).numpy()
    outcomes = retrieved(task, photos, subject.texts(texts), owner)
    return Answers(index.keys, len(texts), tuple(outcomes))
