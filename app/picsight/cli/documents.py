"""The JSON documents of the command line; `docs/commands.md` documents every key, and a test compares the two.

Where a record has a document's keys, the document is made of its fields.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.doctor import Check
    from picsight_engine.exchange.exchange import DecisionsExported
    from picsight_engine.exchange.intake import Imported
    from picsight_engine.exchange.sidecar_writing import Exported
    from picsight_engine.indexing.events import Summary
    from picsight_engine.installation.model_choice import Switch
    from picsight_engine.installation.model_offers import ModelOffer
    from picsight_engine.library import PhotoDetails, Status
    from picsight_engine.search.answer import Answer, Result
    from picsight_engine.store.problems import Problem
    from picsight_engine.store.runs import Run
    from picsight_engine.tags.tree import Tag

Document = dict[str, object]

# Metadata of which the key is not the name of the field.
_METADATA_KEYS = {
    "taken_source": "taken_from",
    "taken_subsecond": "subsecond",
    "focal": "focal_length",
    "focal35": "focal_length_35mm",
    "exposure": "exposure_time",
    "bits": "bit_depth",
}


def summary_document(summary: Summary) -> Document:
    """What an indexing run did; the last two values in seconds and photos per second."""
    return asdict(summary) | {
        "seconds": round(summary.seconds, 3),
        "photos_per_second": round(summary.photos_per_second, 2),
    }


def answer_document(answer: Answer) -> Document:
    """A search's answer, in the order that was asked for."""
    return {
        "query": answer.query,
        "space": answer.space,
        "photos": answer.photos,
        "milliseconds": round(answer.milliseconds, 2),
        "results": [_result(result) for result in answer.results],
        "filters": [asdict(part) for part in answer.filters],
        "undated": answer.undated,
        "faults": [asdict(fault) for fault in answer.faults],
    }


def _result(result: Result) -> Document:
    document: Document = {
        "id": result.id,
        "path": str(result.path),
        "score": round(result.score, 6),
        "match": result.match,
        "taken": result.taken,
        "place": result.place,
        "camera": result.camera,
        "stack": result.stack,
        "found_by": result.found_by,
    }
    if result.terms is not None:
        document["terms"] = [{"text": term.text, "score": round(term.score, 6)} for term in result.terms]
    return document


def photo_document(details: PhotoDetails) -> Document:
    """What the library knows of one photo."""
    said = asdict(details.metadata)
    del said["taken_offset"]  # stands in "taken"
    return {
        "id": details.id,
        "paths": [str(path) for path in details.paths],
        "width": details.width,
        "height": details.height,
        **{_METADATA_KEYS.get(name, name): value for name, value in said.items()},
        "taken": details.taken,
        "rating": details.rating,
        "edited": bool(details.metadata.edited),
        "file_time": details.file_time,
        "bytes": details.bytes,
        "tags": list(details.tags),
        "problem": details.problem and _problem(details.problem),
    }


def unknown_document(path: Path, problem: Problem | None) -> Document:
    """The answer for a path that is no photo of the library, with the reason where there is one."""
    return {"path": str(path), "problem": problem and _problem(problem), "id": None}


def _problem(problem: Problem) -> Document:
    return {"code": problem.code, "message": problem.message, "tries": problem.tries}


def tags_document(tags: Sequence[Tag]) -> Document:
    """The tags, albums and favourites, each with its numbers of photos."""
    return {"tags": [tag_document(tag) for tag in tags]}


def tag_document(tag: Tag) -> Document:
    """One tag; its threshold is null where nothing is ever suggested."""
    return {
        "name": tag.name,
        "parent": tag.parent,
        "threshold": tag.threshold,
        "accepted": tag.accepted,
        "rejected": tag.rejected,
        "suggested": tag.suggested,
    }


def tag_details_document(tag: Tag, examples: Sequence[Path], against: Sequence[Path]) -> Document:
    """The same with what the tag goes by."""
    return {
        **tag_document(tag),
        "kind": tag.kind,
        "suggests": tag.suggests,
        "prompts": list(tag.prompts),
        "examples": [str(path) for path in examples],
        "against": [str(path) for path in against],
    }


def run_document(run: Run | None) -> Document:
    """What was changed, or undone; null where nothing had to be."""
    if run is None:
        return {"run": None}
    made_at = datetime.fromtimestamp(run.made_at).astimezone().isoformat(timespec="seconds")
    return {"run": asdict(run) | {"made_at": made_at}}


def decisions_document(file: Path, exported: DecisionsExported) -> Document:
    """What was written into a file of decisions."""
    return {"file": str(file), **asdict(exported)}


def sidecars_document(exported: Exported) -> Document:
    """What was written beside photos."""
    return asdict(exported)


def table_document(file: Path, photos: int) -> Document:
    """A table for ExifTool."""
    return {"file": str(file), "photos": photos}


def imported_document(imported: Imported) -> Document:
    """What an import has changed."""
    document = asdict(imported) | run_document(imported.run)
    document["left_out"] = document.pop("faults")
    return document


def status_document(status: Status) -> Document:
    """What the library holds; `bytes` is the size of its folder."""
    return asdict(status) | {"library": str(status.library)}


def problems_document(problems: Sequence[Problem]) -> Document:
    """The files that could not be indexed."""
    return {"problems": [{"path": str(problem.path), **_problem(problem)} for problem in problems]}


def checks_document(checks: Sequence[Check]) -> Document:
    """What `doctor` looked at."""
    return {
        "ok": all(check.ok for check in checks),
        "checks": [
            {"name": check.name, "ok": check.ok, "message": check.message, "repaired": check.repaired}
            for check in checks
        ],
    }


def offers_document(offers: Sequence[ModelOffer]) -> Document:
    """The models that there are and that there could be; `seconds` is a rough guess, null where nothing is known."""
    return {"models": [_offer(offer) for offer in offers]}


def _offer(offer: ModelOffer) -> Document:
    return {
        "name": offer.name,
        "title": offer.title,
        "description": offer.words,
        "state": offer.state,
        "shipped": offer.shipped,
        "answers": offer.answers,
        "wanted": offer.wanted,
        "licence": None if offer.licence is None else offer.licence.id,
        "licence_url": None if offer.licence is None else offer.licence.url,
        "space": offer.space,
        "bytes": offer.bytes,
        "photos": offer.photos,
        "seconds": None if offer.seconds is None else round(offer.seconds),
        "fault": offer.fault,
        "files": list(offer.files),
    }


def installed_document(bundle: Bundle) -> Document:
    """A model that was installed just now, or was there already."""
    manifest = bundle.manifest
    return {
        "name": manifest.name,
        "title": manifest.title,
        "space": manifest.space_id,
        "bytes": sum(record.bytes for record in manifest.files.values()),
        "folder": str(bundle.folder),
    }


def switch_document(switch: Switch) -> Document:
    """What choosing a model brought."""
    return {
        "name": switch.choice.wanted.manifest.name,
        "space": switch.choice.wanted.manifest.space_id,
        "answers": switch.choice.answers.manifest.name,
        "photos": switch.photos,
    }


@dataclass(frozen=True, slots=True)
class ModelVerdict:
    """What the examination of a model found: what is wrong with it, or how it looks."""

    name: str
    ok: bool
    message: str


def verdicts_document(verdicts: Sequence[ModelVerdict]) -> Document:
    """The models that were examined."""
    return {
        "ok": all(verdict.ok for verdict in verdicts),
        "models": [asdict(verdict) for verdict in verdicts],
    }


def removed_document(name: str) -> Document:
    """A model that was removed."""
    return {"removed": name}
