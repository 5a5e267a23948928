"""DataComp's tasks, as downloaded, give the figures that its own package computes for the same model."""

from __future__ import annotations

import io
import json
import tarfile
import warnings
from itertools import islice

import numpy as np
import pytest
import torch
from clip_benchmark.datasets.builder import build_dataset
from clip_benchmark.metrics import zeroshot_classification
from sklearn.metrics import balanced_accuracy_score
from tests.trainer.conftest import run_mctrain, write_shard
from torch.utils.data import DataLoader

from mctrain.data.shards import samples
from mctrain.errors import DataError
from mctrain.evaluation.evaluated_model import EvaluatedModel
from mctrain.evaluation.measure import measure
from mctrain.evaluation.tasks import FoundTask
from mctrain.research.benchmarks.datacomp import MAIN, folder_of
from mctrain.research.benchmarks.tasks import Benchmark
from mctrain.teachers.teacher import BundleTeacher

CALTECH, GEODE, FLICKR = "vtab/caltech101", "fairness/geode", "retrieval/flickr_1k_test_image_text_retrieval"
WINOGAVIL = "misc/winogavil"
CLASSES = {"classnames": "a\nb", "zeroshot_classification_templates": "{c}"}


def lay_out(folder, groups, shards=2, **files):
    """Samples, each a list of (suffix, bytes), in numbered shards with their count, and text files beside them."""
    test = folder / "test"
    test.mkdir(parents=True)
    (test / "nshards.txt").write_text(str(shards))
    for name, content in files.items():
        (folder / f"{name}.txt").write_text(content)
    each = -(-len(groups) // shards)
    for number in range(shards):
        members = [
            (f"s{number * each + row:07d}.{suffix}", content)
            for row, group in enumerate(groups[number * each : (number + 1) * each])
            for suffix, content in group
        ]
        write_shard(test / f"{number}.tar", members)
    return folder


def samples_of(folder):
    """The first samples of a task as members."""
    with tarfile.open(folder / "test" / "0.tar") as archive:
        members = [(member.name.partition(".")[2], archive.extractfile(member).read()) for member in archive]
    yield from zip(members[::2], members[1::2], strict=True)


def npy(*numbers):
    content = io.BytesIO()
    np.save(content, np.array(numbers))
    return content.getvalue()


@pytest.fixture(scope="module")
def root(real_data, tmp_path_factory):
    """Two classifications, a retrieval and an association task on real photos."""
    root = tmp_path_factory.mktemp("datacomp")
    names = json.loads((real_data / "classnames.json").read_text())["caltech101"]
    photos = list(islice(samples(real_data / "caltech101-eval-000000.tar"), 0, 900, 7))
    kinds = sorted({photo.record["class_index"] for photo in photos})[:40]
    kept = [photo for photo in photos if photo.record["class_index"] in kinds][:50]
    texts = {
        "classnames": "\n".join(names[kind] for kind in kinds),
        "zeroshot_classification_templates": "a photo of a {c}.\n{c}",
    }
    labelled = [
        [(photo.suffix, photo.photo), ("cls", str(kinds.index(photo.record["class_index"])).encode())]
        for photo in kept
    ]
    lay_out(root / folder_of(CALTECH), labelled, **texts)
    located = [[*sample, ("npy", npy(row * row % 3 + 4, 9))] for row, sample in enumerate(labelled)]
    lay_out(root / folder_of(GEODE), located, **texts)
    captioned_photos = list(islice(samples(real_data / "flickr8k-train-000000.tar"), 14))
    captioned = [
        [(photo.suffix, photo.photo), ("txt", "\n".join(photo.record["captions"][: 1 + row % 5]).encode())]
        for row, photo in enumerate(captioned_photos)
    ]
    lay_out(root / folder_of(FLICKR), captioned, shards=1, dataset_type="retrieval\n")
    folder = root / folder_of(WINOGAVIL)
    (folder / "images").mkdir(parents=True)
    for row, photo in enumerate(captioned_photos[:12]):
        (folder / "images" / f"photo{row}.jpg").write_bytes(photo.photo)
    instances = [
        {"cue": cue, "candidates": [f"photo{row}" for row in range(count)], "associations": chosen}
        for cue, count, chosen in (
            ("Animal", 12, ["photo0", "photo3"]),
            ("snow", 10, ["photo1", "photo2", "photo5"]),
            ("wheel", 5, ["photo4"]),
        )
    ]
    (folder / "instances.jsonl").write_text("".join(f"{json.dumps(instance)}\n\n" for instance in instances))
    return root


class Embedded:
    """The starter as a model for the package: its vectors take the place of pixels and tokens."""

    def __init__(self, teacher):
        self.teacher = teacher

    def transform(self, picture):
        return torch.from_numpy(self.teacher.photos([picture], ["photo"])[0])

    def tokenizer(self, texts):
        return torch.from_numpy(self.teacher.texts(texts))

    def encode_image(self, vectors):
        return vectors

    encode_text = encode_image


@pytest.fixture(scope="module")
def model(starter):
    return Embedded(BundleTeacher(starter))


@pytest.fixture(scope="module")
def subject(model):
    return EvaluatedModel(model.teacher, lambda *_: None)


@pytest.fixture(scope="module")
def published(root, model):
    """The package's dataset of a task, with the model's own transform."""

    def build(task, kind):
        place = str(root / folder_of(task))
        return build_dataset(
            f"wds/{task}", place, model.transform, split="test", download=False, task=f"zeroshot_{kind}"
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield build


def figures(answers):
    return {outcome.figure: outcome.percent() for outcome in answers.outcomes}


def ask(subject, root, task):
    return measure(subject, FoundTask(Benchmark("task", task), (root / folder_of(task),), root))


@pytest.fixture(scope="module")
def classified(model, published):
    """The logits and labels that the package computes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = published(CALTECH, "classification")
        classifier = zeroshot_classification.zero_shot_classifier(
            model, model.tokenizer, dataset.classes, dataset.templates, "cpu", amp=False
        )
        loader = DataLoader(dataset.batched(8), batch_size=None)
        return zeroshot_classification.run_classification(model, classifier, loader, "cpu", amp=False)


def test_a_classification_has_the_packages_figures(subject, root, classified):
    logits, labels = classified
    answers = ask(subject, root, CALTECH)
    percents = figures(answers)
    assert next(iter(percents)) == MAIN[CALTECH] == "mean_per_class_recall"
    assert percents["mean_per_class_recall"] == pytest.approx(
        100 * balanced_accuracy_score(labels, logits.argmax(1))
    )
    right = logits.topk(5, 1).indices == labels[:, None]
    assert percents["acc1"] == pytest.approx(100 * right[:, 0].float().mean().item(), abs=1e-4)
    assert percents["acc5"] == pytest.approx(100 * right.any(1).float().mean().item(), abs=1e-4)
    assert 0 < percents["acc1"] < 100
    assert percents["mean_per_class_recall"] != pytest.approx(percents["acc1"])
    assert (len(set(answers.keys)), answers.texts) == (len(labels), 40)


def test_the_worst_group_is_found_by_the_first_number_of_the_metadata(subject, root, classified):
    logits, labels = classified
    percents = figures(ask(subject, root, GEODE))
    right = (logits.argmax(1) == labels).numpy()
    region = np.array([row * row % 3 + 4 for row in range(len(labels))])
    assert next(iter(percents)) == "acc_wg"
    assert percents["acc_wg"] == pytest.approx(
        100 * min(right[region == place].mean() for place in set(region))
    )


def test_associations_are_scored_by_jaccard_index(subject, root, model, real_data):
    percents = figures(ask(subject, root, WINOGAVIL))
    photos = [photo.image() for photo in islice(samples(real_data / "flickr8k-train-000000.tar"), 12)]
    vectors = model.teacher.photos(photos, [""] * 12)
    indices = []
    for prompt, count, chosen in (("An animal", 12, {0, 3}), ("A snow", 10, {1, 2, 5}), ("A wheel", 5, {4})):
        (word,) = model.teacher.texts([prompt])
        guess = set(np.argsort(vectors[:count] @ word)[-len(chosen) :].tolist())
        indices.append(len(guess & chosen) / len(guess | chosen))
    assert percents["jaccard_score_10-12"] == pytest.approx(100 * np.mean(indices[:2]))
    assert percents["avg_jaccard_score"] == pytest.approx(100 * np.mean(indices))
    assert any(indices)


def test_a_suite_has_the_tasks_in_its_folder_and_no_average_without_all_38(starter, root, tmp_path):
    (tmp_path / "tasks.toml").write_text('[[datacomp]]\nname = "datacomp"\nfolder = "."')
    places = ("--data", root, "--cache", tmp_path, "--tasks", tmp_path / "tasks.toml")
    result = run_mctrain("eval", starter, *places, "--json")
    tasks = json.loads(result.stdout)["tasks"]
    assert [task["task"] for task in tasks] == [
        f"datacomp {name}" for name in (CALTECH, FLICKR, WINOGAVIL, GEODE)
    ]
    assert all(task["figures"][0]["name"] == MAIN[task["task"].removeprefix("datacomp ")] for task in tasks)
    assert result.stderr == (
        "datacomp: 4 tasks are there. 34 of DataComp's 38 tasks have no figure, the first is cifar10; an average needs all.\n"
    )


@pytest.mark.parametrize(
    ("members", "texts", "sentence"),
    [
        ("photo label", {}, "classnames.txt"),
        ("photo wrong", CLASSES, "has the label 7, and 2 class names"),
        ("label", CLASSES, "s0000000 has no photo"),
        ("nothing label", CLASSES, "0/s0000000 cannot be decoded: cannot identify image file"),
        ("photo blank", {"dataset_type": "retrieval"}, "has no caption of 0/s0000000"),
    ],
)
def test_a_mistake_in_a_task_is_one_sentence(subject, root, tmp_path, members, texts, sentence):
    photo, label = next(samples_of(root / folder_of(CALTECH)))
    kinds = {
        "photo": photo,
        "nothing": (photo[0], b"no picture"),
        "label": label,
        "wrong": ("cls", b"7"),
        "blank": ("txt", b""),
    }
    folder = lay_out(tmp_path / "task", [[kinds[kind] for kind in members.split()]], shards=1, **texts)
    with pytest.raises(DataError, match=sentence):
        measure(subject, FoundTask(Benchmark("task", CALTECH), (folder,), tmp_path))
