"""Measures how well faces are told apart: persons known by name among strangers, in groups and as questions.

`PEOPLE` holds `faces.tar` and `persons.tsv` (file and person), `STRANGERS` tar files of photos with captions in JSON, in which nobody is
seen twice. Photos whose captions name a dog and no person count as false faces. Prints the cost of a face beside that of a photo.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import tarfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from report import machine, table

from picsight_engine.people.likeness import QUESTION, join_groups, nearness, recognised
from picsight_engine.runtime.face_finder import FaceFinder
from picsight_engine.store.derived.faces import CORE_PIXELS, LEAST_SCORE, MOST_MISFIT
from picsight_engine.tags.quality import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from picsight_engine.foundation.face import FoundFace

_DOG = re.compile(r"\b(dogs?|pupp(y|ies))\b")
_PERSON = re.compile(
    r"\b(m[ae]n|wom[ae]n|people|persons?|boys?|girls?|child(ren)?|kids?|bab(y|ies)|hands?|owners?|lad(y|ies)|guys?|someone|faces?|his|her"
    r"|player|rider|crowd|couple|toddler|he|she|leg|lap|arms?)\b"
)
_STRANGER = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A face with the number of its photo and its person, empty for a stranger."""

    photo: int
    person: str
    face: FoundFace

    @property
    def vector(self) -> np.ndarray:
        """Its vector [128]."""
        return np.frombuffer(self.face.vector, "<f2").astype(np.float32)


def photos_of(file: Path) -> Iterator[tuple[str, bytes, dict[str, object]]]:
    """The photos of a tar file with their names and the JSON beside them."""
    with tarfile.open(file) as tar:
        data = {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]
    for name, content in data.items():
        if not name.endswith(".json"):
            beside = data.get(f"{name.rpartition('.')[0]}.json")
            yield name, content, json.loads(beside) if beside else {}


def measure_groups(faces: Sequence[Seen], pixels: float, seed: int) -> list[str]:
    """Cells about groups of the core faces, come in random order."""
    core = [seen for seen in faces if is_core(seen.face, pixels)]
    order = np.random.default_rng(seed).permutation(len(core))
    core = [core[row] for row in order]
    vectors = np.stack([seen.vector for seen in core])
    photos = np.array([seen.photo for seen in core])
    groups = join_groups(vectors, photos, np.zeros(len(core), np.int64))
    persons = np.array([seen.person for seen in core])
    known = np.flatnonzero(persons != _STRANGER)
    alike, together = (labels[known][:, np.newaxis] == labels[known] for labels in (persons, groups))
    upper = np.triu(np.ones_like(alike), 1).astype(bool)
    joined = groups[:, np.newaxis] == groups
    wrong = (joined & (persons[:, np.newaxis] != persons) | joined & (persons == _STRANGER)) & np.triu(
        np.ones_like(joined), 1
    ).astype(bool)
    right = int((alike & together & upper).sum())
    mine = Counter(groups[known].tolist())
    groups_of = len({(person, group) for person, group in zip(persons[known], groups[known], strict=True)})
    strangers = Counter(groups[persons == _STRANGER].tolist())
    return [
        f"{len(known)} + {len(core) - len(known)}",
        f"{right / max(right + int(wrong.sum()), 1):.4f}",
        f"{right / int((alike & upper).sum()):.3f}",
        f"{groups_of / len(set(persons[known].tolist())):.2f}",
        str(max(strangers.values(), default=0)),
        str(sum(number > 1 for number in strangers.values())),
        str(len(mine)),
    ]


def measure_questions(faces: Sequence[Seen], pixels: float, seed: int) -> list[str]:
    """Cells about questions after one face of each person was named: each is answered in turn, a page of at most 20."""
    core = [seen for seen in faces if is_core(seen.face, pixels)]
    vectors = np.stack([seen.vector for seen in core])
    photos, persons = np.array([seen.photo for seen in core]), np.array([seen.person for seen in core])
    chance = np.random.default_rng(seed)
    right, asked, reached, most = 0, 0, [], 0
    for person in sorted(set(persons.tolist()) - {_STRANGER}):
        mine = np.flatnonzero(persons == person)
        accepted = {int(chance.choice(mine))}
        rejected = set[int]()
        questions = 0
        while questions < 20:
            left = np.array([row for row in range(len(core)) if row not in accepted | rejected], np.intp)
            left = left[~np.isin(photos[left], photos[[*accepted]])]
            apart = np.full(len(core), np.inf, np.float32)
            apart[left] = nearness(vectors[left], vectors[[*accepted]])
            near = left[apart[left] <= QUESTION]
            if rejected and len(near):
                near = near[apart[near] <= nearness(vectors[near], vectors[[*rejected]])]
            best = near[np.argsort(apart[near], kind="stable")]
            if not len(best):
                break
            if len(accepted) + len(rejected) >= ENOUGH:
                sure = recognised(vectors[best], vectors[[*accepted]], vectors[[*rejected]], vectors)
                best = best[np.argsort(~sure, kind="stable")]
            questions += 1
            is_right = persons[best[0]] == person
            (accepted if is_right else rejected).add(int(best[0]))
            right += is_right
        asked += questions
        most = max(most, questions)
        reached.append(len(accepted & set(mine.tolist())) / len(mine))
    return [
        f"{asked / len(reached):.1f}",
        str(most),
        f"{right / max(asked, 1):.3f}",
        f"{np.mean(reached):.3f}",
    ]


def is_core(face: FoundFace, pixels: float) -> bool:
    """Whether a face may form groups if it is this large."""
    return face.score >= LEAST_SCORE and face.pixels >= pixels and face.misfit < MOST_MISFIT


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(prog="bench people", description=__doc__)
    parser.add_argument("people", type=Path)
    parser.add_argument("strangers", type=Path, nargs="+")
    parser.add_argument("--photos", type=int, default=3000, help="photos of strangers")
    arguments = parser.parse_args()
    finder = FaceFinder()
    lines = (arguments.people / "persons.tsv").read_text(encoding="utf-8").splitlines()[1:]
    person_of = dict(line.split("\t") for line in lines)
    faces, numbers, spent = list[Seen](), count(), defaultdict[str, float](float)
    with_face, extra, shown = 0, 0, 0
    for name, data, _ in photos_of(arguments.people / "faces.tar"):
        image, photo = Image.open(io.BytesIO(data)).convert("RGB"), next(numbers)
        begun = time.process_time()
        found = finder.find(image)
        spent["persons"] += time.process_time() - begun
        shown, with_face, extra = shown + 1, with_face + bool(found), extra + max(len(found) - 1, 0)
        largest = max(found, key=lambda face: face.pixels, default=None)
        faces += [Seen(photo, person_of[name], face) for face in found if face is largest]
    dogs, false, strangers, looked = 0, 0, 0, 0
    for _, data, beside in (each for file in arguments.strangers for each in photos_of(file)):
        if looked == arguments.photos:
            break
        looked += 1
        image, photo = Image.open(io.BytesIO(data)).convert("RGB"), next(numbers)
        found = finder.find(image)
        words = json.dumps(beside).lower()
        if _DOG.search(words) and not _PERSON.search(words) and dogs < 120:
            dogs, false = dogs + 1, false + len(found)
        strangers += len(found)
        faces += [Seen(photo, _STRANGER, face) for face in found]
    print(
        f"{machine()}\n\nA face in {with_face} of {shown} photos of persons, {extra} more; {strangers} faces in {looked} photos of strangers; {false} in {dogs} of dogs. {spent['persons'] / shown * 1000:.0f} ms of CPU a photo of a person.\n"
    )
    rows = [
        [
            f"{pixels} px",
            str(seed),
            *measure_groups(faces, pixels, seed),
            *measure_questions(faces, pixels, seed),
        ]
        for pixels in (CORE_PIXELS, 24)
        for seed in range(4)
    ]
    head = [
        "from",
        "order",
        "faces + strangers",
        "precision",
        "recall",
        "groups a person",
        "largest of strangers",
        "groups of strangers",
        "groups",
    ]
    print(table([*head, "questions", "most", "right", "recall then"], rows))


if __name__ == "__main__":
    main()
