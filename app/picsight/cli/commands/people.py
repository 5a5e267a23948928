"""`picsight people`: finds faces, shows which look alike, and takes the names that you give them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from picsight.cli.commands.show import face_facts
from picsight.cli.commands.tags_decide import tell_run
from picsight.cli.layout import photos
from picsight.cli.options import CommandGroup
from picsight.cli.streams import put, put_json, say
from picsight.texts import counted, tr

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from picsight.cli.invocation import Invocation
    from picsight_engine.library import Library
    from picsight_engine.people.people import FaceGroup, Person
    from picsight_engine.store.derived.faces import Face
    from picsight_engine.store.tagging.runs import TagChange

_NUMBERS = click.argument("faces", nargs=-1, required=True, metavar="FACE...", type=int)


@click.group("people", cls=CommandGroup)
def people() -> None:
    """Find faces that look alike, and name them.

    Off until you turn it on. Nothing leaves this computer, and nobody is named but by you. FACE is a number that `picsight
    show --json` and `picsight people list NAME` print, GROUP one of `picsight people list`.
    """


@people.command("on")
def on(invocation: Invocation) -> None:
    """Find faces in this library's photos from the next run on."""
    _switch(invocation, finds=True)
    say(tr("To find faces now, type: {index}", index=invocation.command("index")))


@people.command("off")
def off(invocation: Invocation) -> None:
    """Find no more faces; those that were found stay."""
    _switch(invocation, finds=False)
    say(tr("To forget all faces, type: {forget}", forget=invocation.command("people", "forget")))


def _switch(invocation: Invocation, *, finds: bool) -> None:
    with invocation.require_library() as library:
        library.people.switch(on=finds)
    sentence = (
        tr("Faces are found in this library.") if finds else tr("Faces are no longer found in this library.")
    )
    invocation.answer({"finds_people": finds}, sentence)


@people.command("forget")
@click.option(
    "--names", is_flag=True, help="Also remove the people, whose names else stay with their photos."
)
@click.option(
    "--backups", is_flag=True, help="Also delete older copies of the library, which may hold faces."
)
def forget(invocation: Invocation, *, names: bool, backups: bool) -> None:
    """Forget all faces, so that nothing of them is left in the library, and find no more."""
    with invocation.require_library() as library:
        number = library.people.forget(names=names)
        copies = library.people.backups()
        if backups:
            library.people.delete_backups()
    left = [] if backups else copies
    sentence = counted(number, "Forgot the faces in %n photo.", "Forgot the faces in %n photos.")
    invocation.answer({"photos": number, "backups": left}, sentence)
    if left and not invocation.json:
        words = "Older copies of the library may hold faces: {files}. To delete them, type: {command}"
        files = ", ".join(copy.name for copy in left)
        say(tr(words, files=files, command=invocation.command("people", "forget", "--backups")))


@people.command("list")
@click.argument("name", required=False)
def list_people(invocation: Invocation, name: str | None) -> None:
    """List the people and the groups of faces that look alike; with NAME, this person's faces, and those that may be."""
    with invocation.require_library() as library:
        if name is not None:
            _list_person(invocation, library, name)
            return
        persons, groups = library.people.persons(), library.people.groups()
        if invocation.json:
            put_json(
                {"people": list(map(_person, persons)), "groups": [_group(library, each) for each in groups]}
            )
            return
        for person in persons:
            questions = counted(person.questions, "%n question", "%n questions")
            put(f"{person.name}: {photos(person.photos)}, {questions}")
        for group in groups:
            example = _path(library, library.people.faces(group.face_ids[:1])[0])
            words = "group {number}: {faces} that look alike, such as in {path}"
            put(tr(words, number=group.number, faces=_faces(len(group.face_ids)), path=example))
        if not (persons or groups):
            invocation.hint(_hint_empty(invocation, library))


def _hint_empty(invocation: Invocation, library: Library) -> str:
    if library.people.is_on:
        return tr("No faces look alike yet. To find faces, type: {index}", index=invocation.command("index"))
    return tr("Faces are not looked for. To find them, type: {on}", on=invocation.command("people", "on"))


def _list_person(invocation: Invocation, library: Library, name: str) -> None:
    faces, questions = library.people.faces_named(name), library.people.questions(name)
    if invocation.json:
        asked = [
            {**_face(library, each.face), "distance": round(each.distance, 3), "sure": each.is_sure}
            for each in questions
        ]
        put_json({"faces": [_face(library, face) for face in faces], "questions": asked})
        return
    for face in faces:
        put(f"{face.id}: {_path(library, face)}")
    for question in questions:
        words = "{face}: {path}, {name}?"
        put(tr(words, face=question.face.id, path=_path(library, question.face), name=name))


@people.command("name")
@click.argument("group", type=int)
@click.argument("name")
def name_group(invocation: Invocation, group: int, name: str) -> None:
    """Give the faces of GROUP a NAME, which may be that of a person whom you named before."""
    _name(invocation, name, lambda library: library.people.name(group, name))


@people.command("accept")
@click.argument("name")
@_NUMBERS
def accept(invocation: Invocation, name: str, faces: tuple[int, ...]) -> None:
    """Say that each FACE is that of the person NAME, who need not be known yet."""
    _name(invocation, name, lambda library: library.people.decide(name, faces, "accepted", make=True))


def _name(invocation: Invocation, name: str, act: Callable[[Library], TagChange | None]) -> None:
    """Names faces, and says once that a tag or a keyword of a new person's name stays apart."""
    with invocation.require_library() as library:
        is_new = not library.people.knows(name)
        tell_run(invocation, act(library))
        if is_new and library.people.has_namesake(name):
            words = "A tag or keyword of this name stays apart. If it is the same person, type: {merge}"
            say(tr(words, merge=invocation.command("people", "merge", name, name)))


@people.command("reject")
@click.argument("name")
@_NUMBERS
def reject(invocation: Invocation, name: str, faces: tuple[int, ...]) -> None:
    """Say that each FACE is not that of the person NAME; you are not asked again."""
    with invocation.require_library() as library:
        tell_run(invocation, library.people.decide(name, faces, "rejected"))


@people.command("merge")
@click.argument("name")
@click.argument("into")
def merge(invocation: Invocation, name: str, into: str) -> None:
    """Say that the persons NAME and INTO are one, who is called INTO.

    With the same NAME twice, photos with a tag or keyword of this name are the person's too, without a face.
    """
    with invocation.require_library() as library:
        tell_run(invocation, library.people.merge(name, into))


@people.command("split")
@_NUMBERS
def split(invocation: Invocation, faces: tuple[int, ...]) -> None:
    """Take each FACE out of its group, or from its person, into a new group."""
    with invocation.require_library() as library:
        tell_run(invocation, library.people.split(faces))


@people.command("ignore")
@click.option("--no-face", is_flag=True, help="Say that it is no face at all, such as a statue's or a dog's.")
@_NUMBERS
def ignore(invocation: Invocation, faces: tuple[int, ...], *, no_face: bool) -> None:
    """Say that each FACE is of nobody whom you name; it joins no group, and you are not asked about it."""
    with invocation.require_library() as library:
        tell_run(invocation, library.people.put_away(faces, "no face" if no_face else "nobody"))


def _person(person: Person) -> dict[str, object]:
    document = asdict(person)
    del document["tag_id"], document["face_id"]
    return document


def _group(library: Library, group: FaceGroup) -> dict[str, object]:
    return {
        "group": group.number,
        "faces": [_face(library, face) for face in library.people.faces(group.face_ids)],
    }


def _face(library: Library, face: Face) -> dict[str, object]:
    return {**face_facts(face), "path": _path(library, face)}


def _path(library: Library, face: Face) -> Path | None:
    photo = library.photos.with_id(face.photo_id)
    return None if photo is None else photo.path


def _faces(number: int) -> str:
    return counted(number, "%n face", "%n faces")
