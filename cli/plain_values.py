"""A short cut past pydantic for the values of command lines.

Typer (0.29) reads every value through pydantic, also those that were not given. Importing it costs 65 ms, a
quarter of what importing SQLAlchemy and Typer costs, and nearly every value is a text, a flag or one of a few
words. Those are taken here; all others, and all wrong ones, go Typer's own way, so results and messages are the
same. The place this hooks in is not public: where a release of Typer has it no more, nothing is changed and
a question starts more slowly, which tests/test_main.py notices.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Literal, get_args, get_origin

import typer.core

_NOT_PLAIN = object()


class _Plain:
    """Reads a parameter's values itself where they are plain, else with Typer's own reader."""

    def __init__(self, descriptor: Any, build: Callable[[Any], Any]) -> None:
        self._descriptor, self._build = descriptor, build
        self._reader: Any = None

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as the command gets it; Typer's own contract."""
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        if self._descriptor.parameter_info.parser is None and not (several and isinstance(value, str)):
            plain = _read(self._descriptor.annotation, value)
            if plain is not _NOT_PLAIN:
                return plain
        if self._reader is None:
            self._reader = self._build(self._descriptor)
        return self._reader.coerce(value, param=param, ctx=ctx)


def _read(annotation: Any, value: Any) -> Any:
    """A value that needs no conversion but the obvious one, or ``_NOT_PLAIN``."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is list and len(arguments) == 1 and isinstance(value, (list, tuple)):
        items = [_read(arguments[0], item) for item in value]
        return _NOT_PLAIN if any(item is _NOT_PLAIN for item in items) else items
    if annotation is str and type(value) is str:
        return value
    if origin is Literal and type(value) is str and value in arguments:
        return value
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        if isinstance(value, annotation):
            return value
        return next((member for member in annotation if member.value == value), _NOT_PLAIN)
    return _NOT_PLAIN


def shorten_the_way() -> None:
    """Let all commands take plain values without pydantic. Once is enough; more does no harm."""
    core: Any = typer.core
    build = getattr(core, "build_runtime_param", None)
    if build is None or getattr(build, "plain", False):
        return

    def quick(descriptor: Any) -> Any:
        return _Plain(descriptor, build)

    quick.plain = True  # type: ignore[attr-defined]
    core.build_runtime_param = quick
