"""Settings: an option beats the environment, the environment beats linkledger.toml, that beats the default."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.errors import LedgerError

FILE_NAME = "linkledger.toml"
DEFAULT_DB = "sqlite:///linkledger.db"


class BadConfig(LedgerError):
    """A settings file or environment variable that cannot be used."""


@dataclass(frozen=True, slots=True)
class Config:
    """What holds for one command."""

    db: str = DEFAULT_DB
    contact: str | None = None
    """A URL or e-mail address that goes into the user agent."""
    delay: float | None = None
    """Least seconds between two requests to one operator; None: the crawler's own default."""
    judge_as: str | None = None
    """The robot whose directives decide about followed and indexable; None: googlebot."""
    allow_net: tuple[str, ...] = ()
    """Networks a crawl may connect to although they are not public."""
    proxy: str | None = None
    """The proxy of a crawl; None: none."""
    chromium: str | None = None
    """The browser that renders pages; None: looked for."""
    profiles: str | None = None
    """The folder of profiles; None: beside a SQLite ledger, else in the working directory."""


_KEYS: dict[str, tuple[type, ...]] = {
    "db": (str,), "contact": (str,), "delay": (int, float), "judge_as": (str,), "allow_net": (str, list),
    "proxy": (str,), "chromium": (str,), "profiles": (str,),
}  # fmt: skip
_ENVIRONMENT = {
    "LINKLEDGER_DB": "db", "LINKLEDGER_CONTACT": "contact", "LINKLEDGER_ALLOW_NET": "allow_net",
    "LINKLEDGER_PROXY": "proxy", "LINKLEDGER_CHROMIUM": "chromium",
    "LINKLEDGER_PROFILES": "profiles",
}  # fmt: skip


def read_file(path: Path) -> dict[str, Any]:
    """The settings of one file; empty when there is none.

    Raises:
        BadConfig: no TOML, an unknown key, or a value of another type; names file and line.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path}: cannot be read: {error}") from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{path}: no TOML: {error}") from error
    for key, value in values.items():
        where = f"{path}, line {_line_of(text, key)}"
        if key not in _KEYS:
            raise BadConfig(f"{where}: unknown setting {key!r}; known: {', '.join(sorted(_KEYS))}")
        if isinstance(value, bool) or not isinstance(value, _KEYS[key]):  # bool is an int
            kind = "a number" if float in _KEYS[key] else "a text in quotes"
            raise BadConfig(f"{where}: {key} must be {kind}, not {value!r}")
        if isinstance(value, list) and not all(isinstance(one, str) for one in value):
            raise BadConfig(f"{where}: {key} must be a text or a list of texts, not {value!r}")
        if key == "delay" and not 0 <= float(str(value)) < float("inf"):
            raise BadConfig(f"{where}: delay must be 0 or more seconds, not {value!r}")
    return values


def load_config(
    *,
    db: str | None = None,
    contact: str | None = None,
    delay: float | None = None,
    judge_as: str | None = None,
    allow_net: Sequence[str] | None = None,
    proxy: str | None = None,
    chromium: str | None = None,
    environment: Mapping[str, str] = os.environ,
    folder: Path | None = None,
) -> Config:
    """The settings in force, options given to the command first.

    Raises:
        BadConfig: the settings file of the working directory cannot be used.
    """
    values = read_file((folder or Path()) / FILE_NAME)
    for name, key in _ENVIRONMENT.items():
        if environment.get(name):
            values[key] = environment[name]
    options = {
        "db": db, "contact": contact, "delay": delay, "judge_as": judge_as, "allow_net": allow_net or None,
        "proxy": proxy, "chromium": chromium,
    }  # fmt: skip
    values |= {key: value for key, value in options.items() if value is not None}
    nets = values.pop("allow_net", ())
    return Config(**values, allow_net=tuple(nets.replace(",", " ").split() if isinstance(nets, str) else nets))


def database(option: str | None) -> str:
    """The URL of the ledger to open, from the ``--db`` option and the settings."""
    return load_config(db=option).db


def _line_of(text: str, key: str) -> int:
    """The line on which a top-level key is set; the parser does not tell."""
    names = (key, f'"{key}"', f"'{key}'", f"[{key}]", f"[[{key}]]")
    for number, line in enumerate(text.split("\n"), 1):
        start = line.split("#", 1)[0].split("=", 1)[0].strip()
        if start in names or start.split(".", 1)[0].strip("[ ") == key:
            return number
    return 1
