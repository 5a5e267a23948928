"""`picsight search` and `similar`: find photos by describing them, or by a similar photo."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import click

from picsight import locations
from picsight.cli.invocation import usual_languages
from picsight.cli.layout import cut_middle, photos, terminal_width
from picsight.cli.options import A_PATH, LIMIT, WordsCommand
from picsight.cli.streams import finish_stdout, is_terminal, lines_of_stdin, put, put_json, put_names
from picsight.exposure import film_time
from picsight.languages import CODES, SYSTEM, search_languages, system_locales
from picsight.texts import counted, tr, worded
from picsight_engine.foundation.errors import RequestError
from picsight_engine.language.query import as_words
from picsight_engine.search.answer import Answer, Least, Order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from picsight.cli.invocation import Invocation
    from picsight_engine.language.translation import Translation
    from picsight_engine.library import Library
    from picsight_engine.search.answer import Result

_DATE = len("2020-07-18")
_INDENT = " " * 8  # below the score's end
_TAKEN_AS = {
    "time": '"{typed}" was taken as a time, with {photos}',
    "place": '"{typed}" was taken as a place, with {photos}',
    "people": '"{typed}" was taken as a person, with {photos}',
    "less": '"{typed}" was taken as {words}',
}


@click.command("search", cls=WordsCommand)
@click.argument("words", nargs=-1, metavar="[QUERY]...")
@LIMIT
@click.option(
    "--min",
    "least",
    type=click.Choice(get_args(Least)),
    default="weaker",
    help="How well a photo must match (weaker); no effect if the model is not calibrated.",
)
@click.option(
    "--order",
    type=click.Choice(get_args(Order)),
    default="match",
    help="Best match first (match), newest first, or by folder.",
)
@click.option("--explain", is_flag=True, help="Print how similar each photo is to each part of the query.")
@click.option(
    "--language",
    "languages",
    multiple=True,
    metavar="CODE",
    help="A language of the query besides English: de, fr, es, it, pt, nl; en for none (default: the settings).",
)
@click.option("--stdin", is_flag=True, help="Read one query a line from stdin.")
def search(
    invocation: Invocation,
    words: tuple[str, ...],
    limit: int,
    least: Least,
    order: Order,
    *,
    languages: tuple[str, ...],
    explain: bool,
    stdin: bool,
) -> None:
    """Find photos by describing them, as in: picsight search red bicycle near the sea.

    "sunset -people" asks for fewer people, "sunset | sunrise" for either, "dog^2 beach" for more of the dog. Filters
    narrow the search: in:2019..2021, folder:Trips, format:heic, is:portrait, has:date, or "IMG_20" in quotes for names;
    "-" before one excludes. like:PATH searches by a picture. Words may begin with "-"; only -n alone is an option.
    """
    if stdin and words:
        raise click.UsageError(tr("Type a query or --stdin, not both."))
    if not stdin and not words:
        raise click.UsageError(
            tr("Type what the photo shows, for example: picsight search red bicycle near the sea.")
        )
    spoken = _typed_languages(languages) if languages else None
    choice = locations.choice_for_searches(invocation.folder)
    with invocation.open_library(choice.answers, wanted=choice.wanted) as library:
        for query in _queries_of_stdin() if stdin else (_as_text(" ".join(words)),):
            if library is None:
                answer = Answer(
                    query, choice.answers.manifest.space_id, photos=0, milliseconds=0.0, results=()
                )
            else:
                library.languages = _languages_of(query) if spoken is None else spoken
                answer = library.search(query, limit=limit, least=least, order=order, explain=explain)
            unread = (
                0
                if library is None or (answer.photos and library.wanted is library.bundle)
                else library.photos_to_read()
            )
            put_answer(invocation, answer, unread, otherwise=tr("To see the closest ones, add --min all."))
            if library is not None and spoken is None and answer.translation is None:
                _hint_language(invocation, library, query)
            if stdin and not invocation.json:
                put("")  # separates one answer from the next
                finish_stdout()  # the next query may depend on this answer


def _typed_languages(typed: tuple[str, ...]) -> tuple[str, ...]:
    codes = re.split(r"[\s,]+", ",".join(typed).lower())
    if unknown := [code for code in codes if code not in {*CODES, "en"}]:
        words = '--language knows {codes}, but not "{code}".'
        raise click.UsageError(tr(words, codes=", ".join(("en", *CODES)), code=unknown[0]))
    return search_languages(" ".join(codes), ())


def _languages_of(query: str) -> tuple[str, ...]:
    """The usual languages, which are looked up only if the query or the system may not be English."""
    from picsight_engine.bundles.commonness import is_everyday, is_surely_english  # as does the search

    is_english = not search_languages(SYSTEM, system_locales()) and is_everyday(query)
    return () if is_english or is_surely_english(query) else usual_languages()


def _hint_language(invocation: Invocation, library: Library, query: str) -> None:
    from picsight_engine.bundles.commonness import is_surely_english  # as does the search

    if not is_surely_english(query) and (code := library.other_language(query)):
        from picsight_engine.language.lexicon import LANGUAGES  # loaded by now

        words = "To search in {language}, add --language {code}."
        invocation.hint(tr(words, language=worded(LANGUAGES[code]), code=code))


def _queries_of_stdin() -> Iterator[str]:
    # Files from Windows end lines with a carriage return.
    return (_as_text(line.removesuffix("\r")) for line in lines_of_stdin())


def _as_text(typed: str) -> str:
    """The query without undecodable bytes, which the tokenizer, unlike a file system, does not accept."""
    return os.fsencode(typed).decode(errors="replace")


@click.command("similar", cls=WordsCommand)
@click.argument("photo", metavar="PATH", type=A_PATH)
@LIMIT
def similar(invocation: Invocation, photo: Path, limit: int) -> None:
    """Find photos that look like PATH, a photo of the library."""
    with invocation.open_library() as library:
        if library is None:
            index = invocation.command("index", str(photo.parent))
            raise RequestError("{photo} is not in the library. Type: {index}", photo=photo, index=index)
        put_answer(invocation, library.similar(photo, limit=limit))


def put_answer(invocation: Invocation, answer: Answer, unread: int = 0, otherwise: str = "") -> None:
    """Prints an answer as JSON, as a table on a terminal, or as lines for other programs, one a file; hints go to stderr.

    `unread` photos wait for a new model; `otherwise` says what to do if none of the searched photos matches.
    """
    invocation.warn(*(worded(fault.message) for fault in answer.faults))
    files = [replace(result, path=path) for result in answer.results for path in result.files]
    if invocation.json:
        put_json(_document(answer))
    elif is_terminal(sys.stdout):
        rows = table(files, terminal_width(sys.stdout))
        for row, result in zip(rows, files, strict=True):
            put(row)
            _put_terms(result)
    else:
        for result in files:
            put_names(f"{result.score:.4f}", str(result.path), *_moment(result))
            _put_terms(result)
    words = "{photos} searched in {time:.0f} ms."
    invocation.detail(tr(words, photos=photos(answer.photos), time=answer.milliseconds))
    invocation.hint(*_filter_sentences(answer))
    if not answer.photos and answer.query.strip() and not answer.filters:
        invocation.hint_empty(unread)
    elif not answer.results and not answer.faults and not invocation.json:
        advice = otherwise if answer.photos and answer.query.strip() else ""
        invocation.hint(f"{tr('No photo matches.')} {advice}".rstrip())
    if answer.photos and unread:
        invocation.hint_unread(unread)


def _document(answer: Answer) -> dict[str, object]:
    """An answer, its photos in the requested order."""
    return {
        "query": answer.query,
        "space": answer.space,
        "photos": answer.photos,
        "milliseconds": round(answer.milliseconds, 2),
        "results": [_result(result) for result in answer.results],
        "filters": answer.filters,
        "undated": answer.undated,
        "faults": answer.faults,
        "language": answer.translation.language if answer.translation else None,
        "readings": answer.translation.readings if answer.translation else (),
        "unknown": answer.translation.unknown if answer.translation else (),
    }


def _result(result: Result) -> dict[str, object]:
    keys = ("id", "path", "also", "score", "match", "taken", "place", "camera", "stack", "found_by", "moment")
    document = {key: getattr(result, key) for key in keys} | {"score": round(result.score, 6)}
    document["written"] = [line.text for line in result.written]
    if result.terms is not None:
        document["terms"] = [{"text": term.text, "score": round(term.score, 6)} for term in result.terms]
    return document


def _moment(result: Result) -> list[str]:
    """When in a film the best picture is shown, such as "0:42"; nothing for a photo."""
    return [] if result.moment is None else [film_time(result.moment)]


def _put_terms(result: Result) -> None:
    """Prints the lines in the picture that the query means, and the photo's similarity to each part of it."""
    if result.written and is_terminal(sys.stdout):
        lines = " · ".join(line.text for line in result.written)
        put(
            _INDENT
            + cut_middle(tr("written: {lines}", lines=lines), terminal_width(sys.stdout) - len(_INDENT))
        )
    if result.terms:
        put(_INDENT + " · ".join(f"{term.text} {term.score:.3f}" for term in result.terms))


def _filter_sentences(answer: Answer) -> Iterator[str]:
    """Sentences about hidden effects: words that were translated or read as a time or a place, and photos without a date."""
    yield from translation_sentences(answer.translation, tr("; as typed with --language en"))
    for part in answer.filters:
        if part.recognised:
            typed, meant = answer.part(part), worded(part.words).lower()
            words = tr(_TAKEN_AS[part.kind], typed=typed, photos=photos(part.photos), words=meant)
            yield words + tr("; as words it is typed {words}", words=as_words(typed))
    if answer.undated:
        one = "%n photo without a date was left out."
        yield counted(answer.undated, one, "%n photos without a date were left out.")


def translation_sentences(found: Translation | None, otherwise: str = "") -> Iterator[str]:
    """What was searched instead of words in another language, how to avoid that, and which words are unknown."""
    if found:
        yield tr("Searched as: {readings}", readings=" | ".join(found.readings)) + otherwise
        if found.unknown:
            from picsight_engine.language.lexicon import LANGUAGES  # a translation has loaded it

            words = "Not in the {language} lexicon: {words}"
            yield tr(words, language=worded(LANGUAGES[found.language]), words=", ".join(found.unknown))


def table(results: Sequence[Result], width: int) -> list[str]:
    """Score, day and path of each in at most `width` cells; without days if none is known or the terminal is narrow."""
    dated = width >= 4 * _DATE and any(result.taken for result in results)
    return [_row(result, width, dated=dated) for result in results]


def _row(result: Result, width: int, *, dated: bool) -> str:
    left = f"{result.score:6.3f}  "
    if dated:
        left += (result.taken or "")[:_DATE].ljust(_DATE) + "  "
    right = "".join(f"  {moment}" for moment in _moment(result))
    return left + cut_middle(str(result.path), max(width - len(left) - len(right), _DATE)) + right
