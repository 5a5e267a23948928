"""Settings survive a restart, and a damaged file locks nobody out."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from picsight.languages import CODES, search_languages
from picsight.settings import Settings, load_settings, save_settings
from picsight_engine.language.lexicon import LANGUAGES


def test_settings_come_back_as_they_were_saved(tmp_path):
    chosen = Settings(
        theme="dark", row_height=14.5, sidebar=False, sidebar_width=17.25, window_width=1200, window_height=700,
        maximised=True, languages="de, fr",
    )  # fmt: skip
    save_settings(chosen, tmp_path / "new" / "settings.toml")
    assert load_settings(tmp_path / "new" / "settings.toml") == chosen


def test_without_a_file_the_defaults_hold(tmp_path):
    assert load_settings(tmp_path / "settings.toml") == Settings()


def test_saving_leaves_only_the_settings_behind(tmp_path):
    save_settings(Settings(), tmp_path / "settings.toml")
    save_settings(Settings(theme="light"), tmp_path / "settings.toml")
    assert [file.name for file in tmp_path.iterdir()] == ["settings.toml"]


@pytest.mark.parametrize(
    "text",
    [
        'theme = "purple"', 'row_height = "tall"', "row_height = true", "sidebar = 1", "window_width = -5",
        "window_width = 1.5", 'languages = "../x"', "unknown = 3", "theme = ", "\x00",
    ],
)  # fmt: skip
def test_an_impossible_value_is_replaced_by_its_default(tmp_path, text):
    (tmp_path / "settings.toml").write_text(text)
    assert load_settings(tmp_path / "settings.toml") == Settings()


@pytest.mark.parametrize(("name", "least", "most"), [("row_height", 6, 24), ("sidebar_width", 10, 22)])
def test_a_size_beyond_the_scale_is_brought_back_to_its_end(tmp_path, name, least, most):
    for stored, kept in ((400, most), (0, least)):
        (tmp_path / "settings.toml").write_text(f"{name} = {stored}")
        assert getattr(load_settings(tmp_path / "settings.toml"), name) == kept


def test_a_file_that_is_no_text_is_ignored(tmp_path):
    (tmp_path / "settings.toml").write_bytes(b"\xff\xfe\x00")
    assert load_settings(tmp_path / "settings.toml") == Settings()


def test_a_file_with_a_typing_error_is_kept_beside_the_new_one(tmp_path):
    (tmp_path / "settings.toml").write_text('languages = "de')
    save_settings(load_settings(tmp_path / "settings.toml"), tmp_path / "settings.toml")
    assert (tmp_path / "settings.old.toml").read_text() == 'languages = "de'
    assert load_settings(tmp_path / "settings.toml") == Settings()


def test_a_folder_that_cannot_be_made_does_not_stop_the_program(tmp_path):
    (tmp_path / "file").write_text("in the way")
    save_settings(Settings(), tmp_path / "file" / "settings.toml")
    assert (tmp_path / "file").read_text() == "in the way"


def test_the_documentation_names_every_setting():
    page = (Path(__file__).resolve().parents[2] / "docs" / "window.md").read_text(encoding="utf-8")
    assert all(f"| `{field.name}` |" in page for field in fields(Settings))


def test_languages_are_those_of_the_setting_or_of_the_system_that_have_a_lexicon():
    assert tuple(LANGUAGES) == CODES
    assert search_languages("system", ["pt_BR.UTF-8", "ja_JP", "de-CH", "en"]) == ("pt", "de")
    assert search_languages("fr, xx nl", ["de_DE"]) == ("fr", "nl")
    assert search_languages("en", ["de_DE"]) == ()
