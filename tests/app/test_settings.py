"""Settings survive a restart, a file that people edit stays theirs, and a damaged one locks nobody out."""

from __future__ import annotations

import multiprocessing
import tomllib
from dataclasses import asdict, fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picsight.languages import CODES, search_languages
from picsight.settings import Settings, SettingsStore
from picsight_engine.language.lexicon import LANGUAGES

EDITED = """\
# mine
theme = 'dark'   # at night
langages = "de"
sidebar = "yes"
languages = "fr
row_height = 12
theme = "light"
[plugins]
theme = "blue"
"""


def read(file: Path, text: str) -> Settings:
    file.write_text(text)
    return SettingsStore(file).settings


def test_settings_come_back_as_they_were_changed(tmp_path):
    chosen = Settings(
        theme="dark", row_height=14.5, sidebar=False, sidebar_width=17.25, window_width=1200, window_height=700,
        maximised=True, languages="de, fr",
    )  # fmt: skip
    file = tmp_path / "new" / "settings.toml"
    SettingsStore(file).change(**asdict(chosen))
    assert SettingsStore(file).settings == Settings(**tomllib.loads(file.read_text())) == chosen


def test_without_a_file_the_defaults_hold(tmp_path):
    store = SettingsStore(tmp_path / "settings.toml")
    assert (store.settings, store.faults) == (Settings(), {})


@pytest.mark.parametrize(
    "text",
    [
        'theme = "purple"', 'row_height = "tall"', "row_height = true", "sidebar = 1", "window_width = -5",
        "window_width = 1.5", 'languages = "../x"', "languages = 5", "unknown = 3", "theme = ", "\x00", "x = " + "[" * 9999,
    ],
)  # fmt: skip
def test_an_impossible_line_takes_its_default_and_is_named(tmp_path, text):
    (tmp_path / "settings.toml").write_text(f'\n{text}\nlanguages = "nl"\n')
    store = SettingsStore(tmp_path / "settings.toml")
    assert store.settings == Settings(languages="nl")
    assert [*store.faults] == [2]
    assert str(store.faults[2]).startswith(f"{tmp_path / 'settings.toml'}, line 2: ")


@pytest.mark.parametrize(("name", "least", "most"), [("row_height", 6, 24), ("sidebar_width", 10, 22)])
def test_a_size_beyond_the_scale_is_brought_back_to_its_end(tmp_path, name, least, most):
    for stored, kept in ((400, most), ("1" + "0" * 400, most), (0, least), ("nan", least)):
        assert getattr(read(tmp_path / "settings.toml", f"{name} = {stored}"), name) == kept


def test_a_change_keeps_what_a_person_wrote(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_bytes(b"\xef\xbb\xbf" + EDITED.encode() + b"# \xff\n")
    store = SettingsStore(file)
    assert store.settings == Settings(theme="dark", row_height=12.0)
    assert [*store.faults] == [3, 4, 5, 7, 8]
    assert 'did you mean "languages"?' in str(store.faults[3])
    store.change(theme="light", details=True)
    changed = EDITED.replace("'dark'", '"light"').replace("[plugins]", "details = true\n[plugins]")
    assert file.read_bytes() == b"\xef\xbb\xbf" + changed.encode() + b"# \xff\n"
    assert SettingsStore(file).settings == Settings(theme="light", row_height=12.0, details=True)


TEXTS = st.lists(
    st.sampled_from([*EDITED.splitlines(), "", '"theme" = "dark"', 'theme = """dark"""', "[x", "\r"])
).map("\n".join)


@given(TEXTS, st.sampled_from(["dark", "light", "system"]), st.booleans())
def test_what_is_changed_is_read_back_from_any_file(tmp_path_factory, text, theme, sidebar):
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_text(text, newline="")
    before = SettingsStore(file).settings
    SettingsStore(file).change(theme=theme, sidebar=sidebar)
    after = SettingsStore(file).settings
    assert asdict(after) == asdict(before) | {"theme": theme, "sidebar": sidebar}
    assert set(text.split("\n")) - set(file.read_bytes().decode().split("\n")) <= {
        line for line in text.split("\n") if "theme" in line or "sidebar" in line
    }


def test_those_who_listen_hear_of_changes_by_others(tmp_path):
    here, there, heard = SettingsStore(tmp_path / "s.toml"), SettingsStore(tmp_path / "s.toml"), []
    here.changed.append(heard.append)
    there.change(theme="dark")
    here.read()
    here.read()
    assert heard == [Settings(theme="dark")]


def change_one(file: Path, name: str) -> None:
    SettingsStore(file).change(**{name: 777})


def test_changes_of_several_processes_at_once_are_all_stored(tmp_path):
    spawn, file = multiprocessing.get_context("spawn"), tmp_path / "settings.toml"
    tasks = [
        spawn.Process(target=change_one, args=(file, name)) for name in ("window_width", "window_height")
    ]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()
    settings = SettingsStore(file).settings
    assert (settings.window_width, settings.window_height) == (777, 777)


def test_a_linked_file_stays_a_link(tmp_path):
    (tmp_path / "dotfiles.toml").write_text("")
    (tmp_path / "settings.toml").symlink_to(tmp_path / "dotfiles.toml")
    SettingsStore(tmp_path / "settings.toml").change(theme="dark")
    assert (tmp_path / "settings.toml").is_symlink()
    assert SettingsStore(tmp_path / "dotfiles.toml").settings.theme == "dark"


def test_a_folder_that_cannot_be_made_does_not_stop_the_program(tmp_path):
    (tmp_path / "file").write_text("in the way")
    store = SettingsStore(tmp_path / "file" / "settings.toml")
    store.change(theme="dark")
    assert store.settings.theme == "dark"
    assert (tmp_path / "file").read_text() == "in the way"


def test_the_documentation_names_every_setting():
    page = (Path(__file__).resolve().parents[2] / "docs" / "window.md").read_text(encoding="utf-8")
    assert all(f"| `{field.name}` |" in page for field in fields(Settings))


def test_languages_are_those_of_the_setting_or_of_the_system_that_have_a_lexicon():
    assert tuple(LANGUAGES) == CODES
    assert search_languages("system", ["pt_BR.UTF-8", "ja_JP", "de-CH", "en"]) == ("pt", "de")
    assert search_languages("fr, xx nl", ["de_DE"]) == ("fr", "nl")
    assert search_languages("en", ["de_DE"]) == ()
