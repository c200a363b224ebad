"""How a correction takes hold of MiniStack, and how it refuses to take hold of something else.

A correction replaces a function of a running program. If that program is another version, a silent replacement would
leave the local AWS wrong in a way that nobody looks for, so every function here compares first and raises
`PatchTargetError`.
"""

import functools
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

Build = Callable[[Callable[..., Any]], Callable[..., Any]]


class PatchTargetError(RuntimeError):
    """MiniStack does not look the way a correction was written for; names the place and what was expected there."""

    def __init__(self, place: str, expected: str) -> None:
        super().__init__(
            f"cannot correct {place}: expected {expected}. The corrections are written for the MiniStack of "
            "requirements.txt: install exactly that version, or adapt the correction to the new one."
        )


def parameters_of(function: Callable[..., Any]) -> str:
    """The parameter names of a function as one string, for example `"logical_id, props, stack_name"`."""
    return ", ".join(inspect.signature(function).parameters)


def expect_function(owner: Any, name: str, parameters: str) -> Callable[..., Any]:
    """The function `owner.name`, which must have exactly these parameters; raises `PatchTargetError` otherwise."""
    place = f"{getattr(owner, '__name__', owner)}.{name}"
    function = getattr(owner, name, None)
    if not callable(function):
        raise PatchTargetError(place, f"a function ({parameters})")
    if parameters_of(function) != parameters:
        raise PatchTargetError(place, f"parameters ({parameters}), found ({parameters_of(function)})")
    return function


def replace_function(owner: Any, name: str, parameters: str, build: Build) -> None:
    """Puts `build(original)` in the place of `owner.name`; several corrections may do so one after the other."""
    original = expect_function(owner, name, parameters)
    setattr(owner, name, functools.wraps(original)(build(original)))


def replace_entry(table: dict[str, Any], key: str, parameters: str, build: Build, place: str) -> None:
    """Puts `build(original)` in the place of one entry of a table of functions."""
    original = table.get(key)
    if not callable(original) or parameters_of(original) != parameters:
        found = f"({parameters_of(original)})" if callable(original) else "nothing"
        raise PatchTargetError(f"{place}[{key!r}]", f"a function ({parameters}), found {found}")
    table[key] = functools.wraps(original)(build(original))


def replace_text(module: ModuleType, name: str, old: str, new: str) -> None:
    """Replaces a passage, which must occur exactly once, in a program text that MiniStack holds as a string."""
    text = getattr(module, name, None)
    if not isinstance(text, str) or text.count(old) != 1:
        raise PatchTargetError(f"{module.__name__}.{name}", f"exactly one occurrence of {old!r}")
    setattr(module, name, text.replace(old, new))


def replace_source(module: ModuleType, name: str, old: str, new: str) -> None:
    """Compiles a function of a module anew with one passage, which must occur exactly once, replaced."""
    function = getattr(module, name, None)
    # A function that was replaced before would lose its replacement.
    source = inspect.getsource(function) if callable(function) and not hasattr(function, "__wrapped__") else ""
    if source.count(old) != 1:
        raise PatchTargetError(f"{module.__name__}.{name}", f"exactly one occurrence of {old!r}")
    exec(compile(source.replace(old, new), inspect.getsourcefile(function) or "<correction>", "exec"), module.__dict__)
