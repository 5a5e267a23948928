"""`picsight models`: the models that read photos, installed and available."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picsight import locations
from picsight.cli.commands.models_install import DECLINED, install
from picsight.cli.layout import duration, photos, size
from picsight.cli.options import CommandGroup
from picsight.cli.streams import can_ask, confirmed, put, put_json, say
from picsight.texts import counted, tr, worded
from picsight_engine.foundation.errors import BundleError, Message, RequestError

if TYPE_CHECKING:
    from picsight.cli.invocation import Invocation
    from picsight_engine.installation.model_offers import ModelOffer

DAMAGED = 3
_STATES = {
    "available": "available", "unfinished": "unfinished", "installed": "installed", "damaged": "damaged",
}  # fmt: skip


@click.group("models", cls=CommandGroup)
def models() -> None:
    """List, install and choose the models that read your photos.

    Picsight comes with a small one. Others find more, and take more time and space.
    """


@models.command("list")
def list_models(invocation: Invocation) -> None:
    """List the models: what they know, their size and licence, how long they would take."""
    # Lazy: numpy takes 60 ms, which --help does not pay.
    from picsight_engine.installation.model_offers import model_offers

    offers = model_offers(invocation.folder, locations.installed_models())
    if invocation.json:
        put_json({"models": [_document(offer) for offer in offers]})
        return
    for offer in offers:
        put(f"{offer.name}: {_state(offer)}")
        put(f"    {offer.title}. {tr(offer.words)}".rstrip())
        put(f"    {', '.join(_figures(offer))}")
        if offer.fault:
            put(f"    {worded(offer.fault)}")
    invocation.hint(tr("To get one, type: picsight models install NAME"))


def _document(offer: ModelOffer) -> dict[str, object]:
    """An installed or available model; `seconds` is a rough estimate, null if unknown."""
    return {
        "name": offer.name,
        "title": offer.title,
        "description": offer.words,
        "state": offer.state,
        "shipped": offer.shipped,
        "answers": offer.answers,
        "wanted": offer.wanted,
        "licence": offer.licence and offer.licence.id,
        "licence_url": offer.licence and offer.licence.url,
        "space": offer.space,
        "bytes": offer.bytes,
        "photos": offer.photos,
        "seconds": None if offer.seconds is None else round(offer.seconds),
        "fault": offer.fault,
        "files": offer.files,
    }


def _state(offer: ModelOffer) -> str:
    if offer.state == "damaged" or not (offer.answers or offer.wanted):
        return tr(_STATES[offer.state])
    if offer.answers:
        return tr("in use" if offer.wanted else "answers until the next one is ready")
    return tr("chosen, reads photos at the next indexing")


def _figures(offer: ModelOffer) -> list[str]:
    parts = [size(offer.bytes)] if offer.bytes else []
    if offer.licence is not None:
        where = f" ({offer.licence.url})" if offer.licence.url else ""
        parts.append(tr("licence {name}", name=offer.licence.id) + where)
    if offer.photos:
        parts.append(counted(offer.photos, "%n photo to read", "%n photos to read"))
        parts += [] if offer.seconds is None else [duration(offer.seconds)]
    return parts


@models.command("use")
@click.argument("name")
def use(invocation: Invocation, name: str) -> None:
    """Let the model NAME read the photos of this library.

    The next indexing reads them; until it has read every photo, the previous model answers. Switching back to a model
    that has read them is quick.
    """
    from picsight_engine.installation.model_choice import use_model  # numpy: 60 ms that --help does not pay

    choice = use_model(invocation.folder, name, locations.installed_models())
    wanted, answers = choice.wanted.manifest, choice.answers.manifest
    words = "{title} has {photos} to read. Type: {index}" if choice.photos else "{title} is in use."
    index, waiting = invocation.command("index"), photos(choice.photos)
    document = {
        "name": wanted.name,
        "space": wanted.space_id,
        "answers": answers.name,
        "photos": choice.photos,
    }
    invocation.answer(document, tr(words, title=wanted.title, photos=waiting, index=index))


@models.command("verify")
@click.argument("name", required=False)
def verify(invocation: Invocation, name: str | None) -> int:
    """Check every byte of the model NAME, or of all installed ones, run them, and check whether they seem trained."""
    from picsight_engine.runtime.self_test import judge_model  # Pillow, onnxruntime

    installed = locations.installed_models()
    names = [model.name for model in installed.all()] if name is None else [name]
    documents: list[dict[str, object]] = []
    message: Message | str
    for each in names:
        try:
            seen, words = judge_model(installed.verify(each)), "complete and unchanged"
            ok, message = True, "" if seen is None else seen.sentence()
        except BundleError as fault:
            ok, message, words = False, fault.message, "DAMAGED"
        documents.append({"name": each, "ok": ok, "message": message})
        if not invocation.json:
            put(f"{each}: {tr(words)}. {worded(message)}".rstrip())
    all_fine = all(document["ok"] for document in documents)
    if invocation.json:
        put_json({"ok": all_fine, "models": documents})
    return 0 if all_fine else DAMAGED


@models.command("remove")
@click.argument("name")
@click.option(
    "--yes", "agreed", is_flag=True, help="Remove it without being asked, even if a library uses it."
)
def remove(invocation: Invocation, name: str, *, agreed: bool) -> int:
    """Delete the installed model NAME, or the remains of an interrupted installation.

    At a terminal you are asked first. The library keeps what the model has read; installed again, it continues from there.
    """
    installed = locations.installed_models()
    installed.require_removable(name)
    if not (agreed or _may_be_removed(invocation, name)):
        say(tr("Nothing was removed."))
        return DECLINED
    installed.remove(name)
    invocation.answer({"removed": name}, tr("{name} was removed.", name=name))
    return 0


def _may_be_removed(invocation: Invocation, name: str) -> bool:
    """Asks for consent and names the libraries that use the model. Without a terminal, an unused model may be removed,
    and a used one raises RequestError.
    """
    # Lazy: numpy takes 60 ms, which --help does not pay.
    from picsight_engine.installation.model_choice import libraries_using

    known = locations.known_libraries(invocation.folder)
    using = [str(folder) for folder in libraries_using(name, known, locations.installed_models())]
    if can_ask():
        for folder in using:
            words = "The library in {folder} uses it, and cannot be searched until you choose another model."
            say(tr(words, folder=folder))
        return confirmed(tr('Remove {name} from this computer? Type "yes" to remove:', name=name) + " ")
    if using:
        words = (
            'The model "{name}" is used by the library in {folders}. Choose another one first: '
            "picsight models use NAME. To remove it all the same, add --yes"
        )
        raise RequestError(words, name=name, folders=", ".join(using))
    return True


models.add_command(install)
