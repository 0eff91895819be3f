"""``linkledger profile``, and which profile an audit goes by."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from asking import ask, ask_json
from readings import RULES, page, reading
from sqlalchemy import text

from audit.profile_file import BadProfile, load
from cli.config import BadConfig
from cli.profiles import file_name, profile_of, profiles_folder
from cli.targets import parse_target
from crawler.urls import suffix_list_version
from storage.engine import Ledger, create_ledger, open_ledger
from storage.writer import write_readings

NOW = 1_790_000_000_000
HOME, SAWS = "https://acme.com/", "https://acme.com/saws"
HEAD = 'profile = 1\ntarget = "acme.com"\nbrands = ["Acme"]\nkeywords = ["saws"]\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without ledger and profiles."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def filled(database: str) -> str:
    create_ledger(database, psl=suffix_list_version())
    with Ledger(database) as ledger:
        home = page(HOME, [(SAWS, "Saws")], title="ACME | Fine saws", h1=("Saws for all",), lang="en-US")
        readings = [
            reading(HOME, [], NOW, page=home),
            reading(SAWS, [], NOW + 1, page=page(SAWS, [], title="Hand saws", h1=())),
            reading("https://a.org/", [(SAWS, "Acme Tools"), (HOME, "acme.com")], NOW),
            reading("https://b.org/", [(SAWS, "acme tools")], NOW),
        ]
        write_readings(ledger, None, readings, rules_version=RULES)
    return database


def test_a_draft_from_a_ledger(database: str, folder: Path) -> None:
    filled(database)
    done = ask("profile", "init", "acme.com", "--competitor", "www.rival.com", "--db", database)
    path = folder / "profiles" / "acme.com.toml"
    assert (done.exit_code, Path(done.stdout.strip()).resolve()) == (0, path)
    assert "name keywords" in done.stderr
    found = load(path)
    assert (found.brands, found.languages, found.competitors) == (("ACME",), ("en",), ("rival.com",))
    assert (found.drafted, found.whole.title, found.whole.h1) == (True, "ACME | Fine saws", "Saws for all")
    draft = path.read_text("utf-8")
    for line in ('#   "Acme Tools" (2)', '#   "Fine saws"', f'# url = "{SAWS}"  # 2 referring domains'):
        assert line in draft


def test_init_without_a_ledger_makes_none(folder: Path) -> None:
    done = ask("profile", "init", "example.co.uk", "-o", "-")
    assert (done.exit_code, 'brands = ["example"]' in done.stdout) == (0, True)
    assert "no ledger" in done.stderr
    assert list(folder.iterdir()) == []


def test_init_replaces_nothing_unasked(folder: Path) -> None:
    assert ask("profile", "init", "acme.com", "-o", "p.toml").exit_code == 0
    (folder / "p.toml").write_text(HEAD)
    again = ask("profile", "init", "acme.com", "-o", "p.toml")
    assert (again.exit_code, "p.toml is there already; --force" in again.stderr) == (1, True)
    assert (folder / "p.toml").read_text() == HEAD
    assert ask("profile", "init", "acme.com", "-o", "p.toml", "--force").exit_code == 0
    assert "drafted = true" in (folder / "p.toml").read_text()
    assert [path.name for path in folder.iterdir()] == ["p.toml"]


def test_init_refuses_itself_as_competitor(folder: Path) -> None:
    assert ask("profile", "init", "acme.com", "--competitor", "www.acme.com").exit_code == 2


def test_show_has_exactly_its_keys(folder: Path) -> None:
    (folder / "p.toml").write_text(HEAD + '[[page]]\nurl = "https://acme.com/saws"\nkeywords = ["hand saws"]\n')
    shown = ask_json("profile", "show", "acme.com", "--profile", "p.toml")
    thresholds = shown.pop("thresholds")
    assert (thresholds["exact_notice"], thresholds["least_domains"], len(thresholds)) == (0.1, 20, 16)
    assert shown == {
        "target": "acme.com", "profile": load(folder / "p.toml").digest, "rules_version": 1, "drafted": False,
        "path": "p.toml", "brands": ["Acme"], "keywords": ["saws"], "page_type": "other", "title": None, "h1": None,
        "languages": [], "competitors": [], "hosts": [], "generic": [],
        "pages": [
            {"url": SAWS, "keywords": ["hand saws"], "page_type": "other", "title": None, "h1": None, "languages": []}
        ],
    }  # fmt: skip
    table = ask("profile", "show", "acme.com", "--profile", "p.toml", "--format", "table").stdout
    assert max(map(len, table.split("\n"))) <= 80
    assert "pages of their own" in table


def test_show_says_that_it_is_guessed(folder: Path) -> None:
    done = ask("profile", "show", "acme.com", "--format", "json")
    shown = json.loads(done.stdout)
    assert (shown["drafted"], shown["path"], shown["brands"]) == (True, None, ["acme"])
    assert "profile init acme.com" in done.stderr


def test_check(folder: Path) -> None:
    (folder / "profiles").mkdir()
    kept = folder / "profiles" / "acme.com.toml"
    kept.write_text(HEAD)
    for named in ("acme.com", "https://www.acme.com/saws", str(kept)):
        assert ask("profile", "check", named).exit_code == 0
    kept.write_text(HEAD + "colour = 1\n[thresholds]\nexact_warn = 40\n")
    done = ask("profile", "check", "acme.com", "--format", "json")
    assert done.exit_code == 1
    faults = json.loads(done.stdout)["faults"]
    assert [(one["line"], one["key"], one["value"]) for one in faults] == [
        (5, "colour", "1"),
        (7, "thresholds.exact_warn", "40"),
    ]
    table = ask("profile", "check", "acme.com", "--format", "table").stdout
    assert "2 faults" in table
    assert "line 7: exact_warn must be a share from 0 to 1, not 40; 40 % is 0.4" in table
    missing = ask("profile", "check", "other.com")
    assert (missing.exit_code, "profile init other.com" in missing.stderr) == (1, True)
    nowhere = ask("profile", "check", "nowhere.toml")
    assert (nowhere.exit_code, "nowhere.toml: cannot be read" in nowhere.stderr) == (1, True)


def test_check_advises(folder: Path) -> None:
    (folder / "p.toml").write_text('profile = 1\ntarget = "acme.com"\nbrands = []\ndrafted = true\n')
    done = ask("profile", "check", "p.toml")
    assert done.exit_code == 0
    assert [word in done.stderr for word in ("draft", "no keywords", "no brands")] == [True] * 3


def test_list(folder: Path) -> None:
    assert "profile init" in ask("profile", "list").stderr
    (folder / "profiles").mkdir()
    (folder / "profiles" / "acme.com.toml").write_text(HEAD)
    (folder / "profiles" / "bad.toml").write_bytes(b"\xff")
    rows = ask_json("profile", "list")["profiles"]
    assert [(one["target"], one["faults"]) for one in rows] == [("acme.com", 0), (None, 1)]
    assert (rows[0]["keywords"], rows[0]["pages"], rows[0]["brands"]) == (1, 0, ["Acme"])


FOLDERS = [  # id, ledger, settings file, environment, folder
    ("beside_a_ledger", "sqlite:///team/x.db", "", None, "team/profiles"),
    ("beside_a_bare_path", "team/x.db", "", None, "team/profiles"),
    ("of_a_server", "postgresql://localhost/x", "", None, "profiles"),
    ("settings_file", "sqlite:///team/x.db", 'profiles = "mine"\n', None, "mine"),
    ("environment", "sqlite:///team/x.db", 'profiles = "mine"\n', "theirs", "theirs"),
]


@pytest.mark.parametrize(
    ("ledger", "settings", "environment", "wanted"), [pytest.param(*row[1:], id=row[0]) for row in FOLDERS]
)
def test_where_profiles_are_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch, ledger: str, settings: str, environment: str | None, wanted: str
) -> None:
    (folder / "linkledger.toml").write_text(settings)
    if environment is not None:
        monkeypatch.setenv("LINKLEDGER_PROFILES", environment)
    assert profiles_folder(ledger) == Path(wanted)


def test_the_setting_must_be_a_text(folder: Path) -> None:
    (folder / "linkledger.toml").write_text("profiles = 5\n")
    with pytest.raises(BadConfig, match="profiles must be a text"):
        profiles_folder("x.db")


NAMES = [  # id, target, file
    ("domain", "acme.com", r"acme\.com\.toml"),
    ("address", "[::1]", r"1-[0-9a-f]{8}\.toml"),
    ("page", "https://acme.com/a/b?c=1", r"acme\.com_a_b_c_1-[0-9a-f]{8}\.toml"),
    ("climbing", "https://acme.com/../etc/passwd%2f..", r"acme\.com_\.\._etc_passwd_2f-[0-9a-f]{8}\.toml"),
    ("long", f"https://acme.com/{'a' * 300}", r"acme\.com_a{91}-[0-9a-f]{8}\.toml"),
]


@pytest.mark.parametrize(("target", "name"), [pytest.param(*row[1:], id=row[0]) for row in NAMES])
def test_names_of_files(target: str, name: str) -> None:
    assert re.fullmatch(name, file_name(target))
    assert file_name(target) != file_name(target + "x")


def test_the_nearest_profile_counts(folder: Path) -> None:
    """A page's own profile, else its host's, else its domain's, else a guess."""
    db = "sqlite:///x.db"
    saws = parse_target("https://shop.acme.com/saws")

    def brands() -> tuple[str, ...]:
        return profile_of(saws, db).brands

    assert (brands(), profile_of(saws, db).drafted) == (("acme",), True)
    (folder / "profiles").mkdir()
    for target in ("acme.com", "shop.acme.com", "https://shop.acme.com/saws"):
        kept = HEAD.replace("acme.com", target).replace("Acme", target)
        (folder / "profiles" / file_name(target)).write_text(kept)
        assert brands() == (target,)


def test_a_profile_of_another_site_is_refused(folder: Path) -> None:
    (folder / "p.toml").write_text(HEAD + 'hosts = ["shop.acme.net"]\n')
    path = Path("p.toml")
    assert profile_of(parse_target("https://shop.acme.net/x"), "x.db", path).brands == ("Acme",)
    with pytest.raises(BadProfile, match=r"p\.toml: this profile is of acme\.com, not of rival\.com"):
        profile_of(parse_target("rival.com"), "x.db", path)


def test_a_guess_reads_the_home_page_and_no_anchor(database: str, folder: Path) -> None:
    filled(database)
    with Ledger(database) as ledger, ledger.begin() as conn:
        for view in ("v_anchors", "v_changes"):
            conn.execute(text(f"drop view if exists {view}"))
        conn.execute(text("drop table anchor"))
    with open_ledger(database) as conn:
        found = profile_of(parse_target("acme.com"), database, conn=conn)
        saws = profile_of(parse_target(SAWS), database, conn=conn)
    assert (found.brands, found.whole.title, found.languages) == (("ACME",), "ACME | Fine saws", ("en",))
    assert (saws.target, saws.whole.title, saws.brands) == (SAWS, "Hand saws", ("acme",))
