"""The settings of the window: a frozen record, read once from a TOML file and written back as a whole."""

from __future__ import annotations

import re
import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_config_dir

from picsight.languages import SYSTEM
from picsight_engine.private_files import make_private, write_private

Theme = Literal["system", "light", "dark"]
ROW_SMALLEST, ROW_LARGEST = 6.0, 24.0  # em
SIDEBAR_NARROWEST, SIDEBAR_WIDEST = 10.0, 22.0  # em
DETAILS_NARROWEST, DETAILS_WIDEST = 16.0, 28.0  # em
_RANGES = {
    "row_height": (ROW_SMALLEST, ROW_LARGEST),
    "sidebar_width": (SIDEBAR_NARROWEST, SIDEBAR_WIDEST),
    "details_width": (DETAILS_NARROWEST, DETAILS_WIDEST),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The user's settings. Window sizes are in logical pixels; row height and panel widths are in em; 0 means never set.
    `better_models`: mention better models when a search finds nothing certain. `export_companions`: the last answer to
    whether an export includes RAW files and originals.
    `languages`: those of searches, by their codes ("de, fr"), or "system".
    """

    theme: Theme = "system"
    row_height: float = 10.0
    sidebar: bool = True
    sidebar_width: float = 14.0
    details: bool = False
    details_width: float = 18.0
    window_width: int = 0
    window_height: int = 0
    maximised: bool = False
    better_models: bool = True
    export_companions: bool = False
    languages: str = SYSTEM


def settings_file() -> Path:
    """The settings file of this user."""
    return Path(user_config_dir("picsight", appauthor=False)) / "settings.toml"


def load_settings(file: Path) -> Settings:
    """Read the settings; a missing, unknown or invalid value takes its default, so a typing error is never fatal."""
    try:
        stored = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        _warn("%s could not be read, defaults are used: %s", file, error)
        return Settings()
    return Settings(**{f.name: _checked(f.name, f.default, stored.get(f.name)) for f in fields(Settings)})


def save_settings(settings: Settings, file: Path) -> None:
    """Write all settings atomically. A write error is logged and is not fatal. A file with a typing error is kept beside."""
    text = "# Picsight reads this file when it starts and writes it when it ends.\n"
    text += "".join(f"{name} = {_toml(value)}\n" for name, value in asdict(settings).items())
    try:
        _put_aside(file)
        write_private(file, text)
        make_private(file.parent)
    except OSError as error:
        _warn("%s could not be written: %s", file, error)


def _put_aside(file: Path) -> None:
    """Rename a file that cannot be read, which may lack no more than a quotation mark."""
    try:
        tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        file.replace(file.with_suffix(".old.toml"))


def _warn(words: str, file: Path, error: Exception) -> None:
    import logging  # 3 ms that a search does not pay

    logging.getLogger(__name__).warning(words, file, error)


def _checked(name: str, default: Any, value: Any) -> Any:
    """The stored value if it is valid, else the default."""
    if name == "theme":
        return value if value in ("system", "light", "dark") else default
    if name == "languages":
        return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z, ]{2,60}", value) else default
    if isinstance(default, bool) or isinstance(value, bool):
        return value if type(value) is type(default) else default
    if not isinstance(value, int | float):
        return default
    if name in _RANGES:
        least, most = _RANGES[name]
        return min(max(float(value), least), most)
    return value if isinstance(value, int) and 0 <= value <= 100_000 else default


def _toml(value: str | float | bool) -> str:
    """One value as TOML; settings are strings, numbers and booleans."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)
