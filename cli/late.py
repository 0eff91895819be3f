"""Commands of a group that are loaded when they are asked for: a count does not wait for the modules of a timeline."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group


def late(register: str, modules: Mapping[str, str]) -> type[TyperGroup]:
    """A class for a group, some of whose commands come from other modules.

    Args:
        register: the function of such a module that adds its commands to an app.
        modules: the module of each command, in the order of `--help`, behind the commands that are there.
    """

    class Late(TyperGroup):
        def list_commands(self, ctx: Any) -> list[str]:
            return [*(name for name in super().list_commands(ctx) if name not in modules), *modules]

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            if cmd_name in modules and cmd_name not in self.commands:
                self.commands.update(_load(modules[cmd_name], register))
            return super().get_command(ctx, cmd_name)

    return Late


def _load(module: str, register: str) -> dict[str, Any]:
    from cli.main import without_types

    holder = typer.Typer(rich_markup_mode=None, add_completion=False)
    holder.callback()(lambda: None)  # so that one command alone is still a command by its name
    getattr(import_module(module), register)(holder)
    group = get_group(holder)
    without_types(group)
    return dict(group.commands)
