"""Where a setting comes from, and what is said about a settings file that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.config import DEFAULT_DB, BadConfig, Config, load_config


def test_defaults(tmp_path: Path) -> None:
    assert load_config(environment={}, folder=tmp_path) == Config(db=DEFAULT_DB)


def test_precedence(tmp_path: Path) -> None:
    """An option beats the environment, which beats the file, which beats the default."""
    (tmp_path / "linkledger.toml").write_text(
        'db = "sqlite:///file.db"\ncontact = "file@x.example"\ndelay = 2\njudge_as = "bingbot"\n', encoding="utf-8"
    )
    environment = {"LINKLEDGER_DB": "sqlite:///environment.db", "LINKLEDGER_CONTACT": ""}
    assert load_config(environment={}, folder=tmp_path) == Config("sqlite:///file.db", "file@x.example", 2, "bingbot")
    config = load_config(environment=environment, folder=tmp_path)
    assert (config.db, config.contact) == ("sqlite:///environment.db", "file@x.example")
    config = load_config(db="sqlite:///option.db", delay=0.0, environment=environment, folder=tmp_path)
    assert (config.db, config.delay) == ("sqlite:///option.db", 0.0)


BROKEN = [  # id, file, message
    ("unknown_key", 'db = "x"\n\ncolour = "red"\n',
     r"\.toml, line 3: unknown setting 'colour'; known: allow_net, chromium, contact, db"),
    ("unknown_table", '[crawl]\ndelay = 2\n', r"line 1: unknown setting 'crawl'"),
    ("dotted_key", 'db = "x"\ncrawl.delay = 2\n', r"line 2: unknown setting 'crawl'"),
    ("quoted_key", '\n"dB" = 2\n', r"line 2: unknown setting 'dB'"),
    ("not_a_text", "contact = 5\n", r"line 1: contact must be a text in quotes, not 5"),
    ("not_a_number", 'delay = "2"\n', r"line 1: delay must be a number, not '2'"),
    ("truth_is_no_number", "delay = true\n", r"line 1: delay must be a number, not True"),
    ("negative", "delay = -1\n", r"line 1: delay must be 0 or more seconds"),
    ("not_finite", "delay = inf\n", r"line 1: delay must be 0 or more seconds"),
    ("not_a_number_at_all", "delay = nan\n", r"line 1: delay must be 0 or more seconds"),
    ("no_toml", "db = \n", r"linkledger\.toml: no TOML: .*line 1"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), [pytest.param(*row[1:], id=row[0]) for row in BROKEN])
def test_broken_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "linkledger.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadConfig, match=message):
        load_config(environment={}, folder=tmp_path)


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "linkledger.toml").write_bytes(b'contact = "\xe9"\n')
    with pytest.raises(BadConfig, match=r"linkledger\.toml: cannot be read"):
        load_config(environment={}, folder=tmp_path)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "linkledger.toml").write_bytes(b'\xef\xbb\xbfdb = "sqlite:///x.db"\n')
    assert load_config(environment={}, folder=tmp_path).db == "sqlite:///x.db"


NETS = [  # id, file, environment, option, what holds
    ("text", 'allow_net = "10.1.0.0/16, 127.0.0.1:80"', {}, None, ("10.1.0.0/16", "127.0.0.1:80")),
    ("list", 'allow_net = ["10.1.0.0/16", "fd00::/8"]', {}, None, ("10.1.0.0/16", "fd00::/8")),
    ("environment", 'allow_net = "10.1.0.0/16"', {"LINKLEDGER_ALLOW_NET": "127.0.0.1 ::1"}, None, ("127.0.0.1", "::1")),
    ("option", 'allow_net = "10.1.0.0/16"', {"LINKLEDGER_ALLOW_NET": "::1"}, ["10.2.0.0/16"], ("10.2.0.0/16",)),
    ("nothing", "", {"LINKLEDGER_ALLOW_NET": ""}, [], ()),
]


@pytest.mark.parametrize(
    ("text", "environment", "option", "holds"), [pytest.param(*row[1:], id=row[0]) for row in NETS]
)
def test_networks_come_from_one_place(
    tmp_path: Path, text: str, environment: dict[str, str], option: list[str] | None, holds: tuple[str, ...]
) -> None:
    (tmp_path / "linkledger.toml").write_text(text, encoding="utf-8")
    assert load_config(allow_net=option, environment=environment, folder=tmp_path).allow_net == holds


def test_a_proxy_comes_from_the_environment_of_linkledger_only(tmp_path: Path) -> None:
    shell = {"http_proxy": "http://shell.example:1", "https_proxy": "http://shell.example:1"}
    assert load_config(environment=shell, folder=tmp_path).proxy is None
    assert load_config(environment=shell | {"LINKLEDGER_PROXY": "environment"}, folder=tmp_path).proxy == "environment"
