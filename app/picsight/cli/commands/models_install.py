"""`picsight models install`: downloads a model or takes one from a file, after its licence is accepted."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from picsight import locations
from picsight.cli.interrupts import stop_requests
from picsight.cli.invocation import absolute
from picsight.cli.layout import size
from picsight.cli.options import A_PATH, WordsCommand
from picsight.cli.progress_line import ProgressLine
from picsight.cli.streams import can_ask, confirmed, say
from picsight.texts import tr
from picsight_engine.foundation.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event

    from picsight.cli.invocation import Invocation
    from picsight_engine.bundles.bundle import Bundle, Licence
    from picsight_engine.installation.catalogue import CatalogueEntry
    from picsight_engine.installation.installed import InstallEvent

DECLINED = 1
_REPOSITORY = re.compile(r"(?P<site>https://[^/]+/(?:[^/]+/)*)?\w[\w.-]*/\w[\w.-]*/?")


@click.command("install", cls=WordsCommand)
@click.argument("name", required=False)
@click.option(
    "--from-file",
    "--from-folder",
    "path",
    type=A_PATH,
    metavar="PATH",
    help="Take it from a folder or an archive.",
)
@click.option("--accept-licence", "accept", is_flag=True, help="Accept its licence without being asked.")
def install(invocation: Invocation, name: str | None, path: Path | None, *, accept: bool) -> int:
    """Install the model NAME, from the list or from a publisher, as in immich-app/ViT-B-32__openai.

    Its licence is shown first. The next run continues an interrupted download. With --from-file, or a path instead of
    NAME as in ./model.zip, nothing is downloaded: PATH is a model's folder, or a .zip or .tar archive of it; a folder in Immich's layout or that of Hugging
    Face's ONNX exports; or, with NAME, that model's published files, downloaded by you.
    """
    if path is None and name is not None and _is_path(name):
        path, name = absolute(Path(name)), None
    if path is not None:
        bundle = _from_file(invocation, name, path, accept=accept)
    elif name is not None:
        bundle = _from_catalogue(invocation, name, None, accept=accept)
    else:
        words = "Type the name of a model, or --from-file PATH. To see the names: picsight models list."
        raise click.UsageError(tr(words))
    if bundle is None:
        say(tr("Nothing was installed."))
        return DECLINED
    manifest = bundle.manifest
    document = {
        "name": manifest.name,
        "title": manifest.title,
        "space": manifest.space_id,
        "bytes": sum(record.bytes for record in manifest.files.values()),
        "folder": bundle.folder,
    }
    use = invocation.command("models", "use", manifest.name)
    line = "{title} is installed. To use it, type: {command}"
    invocation.answer(document, tr(line, title=manifest.title, command=use))
    return 0


def _is_path(typed: str) -> bool:
    """Whether a path was typed instead of a name; a folder called like a model of the list needs "./" before it."""
    path = Path(typed)
    if path.is_absolute() or re.match(r"\.\.?([/\\]|$)", typed):
        return True
    return bool(len(path.parts) > 1 or path.suffix) and os.path.exists(path)  # noqa: PTH110 - Path raises at long names


def _from_file(invocation: Invocation, name: str | None, path: Path, *, accept: bool) -> Bundle | None:
    # numpy: 60 ms that --help does not pay
    from picsight_engine.installation.local_model import contains_bundle, open_local_model
    from picsight_engine.installation.model_choice import require_replaceable

    if name is not None and not contains_bundle(path):
        return _from_catalogue(invocation, name, path, accept=accept)
    models = locations.installed_models()
    with open_local_model(path) as local:
        require_replaceable(locations.known_libraries(invocation.folder), local.manifest, models)
        manifest = local.manifest
        if name not in (None, manifest.name):
            words = '{path} holds the model "{held}", not "{name}"; leave the name out.'
            raise RequestError(words, path=path, held=manifest.name, name=name)
        if not _is_accepted(manifest.title, manifest.licence, local.licence, accept=accept):
            return None
        return _follow(
            manifest.title, lambda stop: local.install(models, cancel=stop), quiet=invocation.quiet
        )


def _from_catalogue(invocation: Invocation, name: str, path: Path | None, *, accept: bool) -> Bundle | None:
    """Installs a model of the catalogue, from its servers or from the files at `path`."""
    entry = _entry(name)
    if not _is_accepted(entry.title, entry.licence, entry.terms, accept=accept):
        return None
    from picsight_engine.installation.install import install, install_from, runs_coreml  # ssl, http

    models, coreml = locations.installed_models(), runs_coreml()

    def events(stop: Event) -> Iterator[InstallEvent]:
        if path is None:
            return install(entry, models, coreml=coreml, cancel=stop)
        return install_from(path, entry, models, coreml=coreml, cancel=stop)

    return _follow(entry.title, events, quiet=invocation.quiet)


def _entry(name: str) -> CatalogueEntry:
    """A model of the catalogue, or one that a publisher offers, as "owner/model" or by its address."""
    from picsight_engine.installation.catalogue import HUB, find_entry
    from picsight_engine.installation.install import find_model  # ssl, http

    if (repository := _REPOSITORY.fullmatch(name)) is None:
        return find_entry(name)
    return find_model(name if repository["site"] else f"{HUB}/{name}")


def _follow(title: str, events: Callable[[Event], Iterator[InstallEvent]], *, quiet: bool) -> Bundle:
    """Shows the progress of an installation and returns the installed model."""
    from picsight_engine.installation.installed import Installed, InstallProgress

    with stop_requests() as stop, ProgressLine(quiet=quiet) as line:
        for event in events(stop):
            if isinstance(event, Installed):
                return event.bundle
            if isinstance(event, InstallProgress):
                share = 100 * event.done // max(event.total, 1)
                sizes = tr("{done} of {total}", done=size(event.done), total=size(event.total))
                line.tell(f"{title}: {share}%, {sizes}")
            else:
                line.tell(tr("{title}: checking", title=title))
    raise AssertionError("an installation ends with Installed")


def _is_accepted(title: str, licence: Licence, text: str, *, accept: bool) -> bool:
    """Whether the licence is accepted: by `accept`, or at the terminal after it is shown.

    Raises:
        RequestError: there is no terminal, and `accept` is false.
    """
    if accept or not licence.accept:
        return True
    if not can_ask():
        named = ", ".join(filter(None, (licence.id, licence.url)))
        words = "{title} has a licence that must be accepted first: {licence}. Read it, then add --accept-licence."
        raise RequestError(words, title=title, licence=named)
    say(tr("{title} has this licence: {licence}", title=title, licence=licence.id))
    say("")
    where = tr("Its text is at {url}" if licence.url else "The model does not include its text.")
    for line in (text or where.format(url=licence.url)).splitlines():
        say(line)
    say("")
    return confirmed(tr('Do you accept it? Type "yes" to install:') + " ")
