"""Load the programs of models: async generator functions of the operator's own modules.

`program = "shop.answers:support"` in the catalog. Workers run it, `manage.py check` and the doctor load it.
"""

import importlib
import inspect
import logging
from collections.abc import AsyncGenerator, Callable, Iterable
from types import ModuleType
from typing import Any

from chat.responses.model_catalog import ModelConfig

logger = logging.getLogger(__name__)

Program = Callable[[Any], AsyncGenerator[Any, None]]


class UnusableProgramError(Exception):
    """A program that cannot run: one sentence that names the model, and the remedy."""

    def __init__(self, found: str, remedy: str) -> None:
        super().__init__(found)
        self.remedy = remedy


def load(model: ModelConfig) -> Program:
    """Import the program of a model. Blocks; raises UnusableProgramError."""
    name, _, function = model.program.partition(":")
    module = _imported(model, name)
    program = getattr(module, function, None)
    if program is None:
        found = f"model {model.name}: the module {name} has no {function}"
        raise UnusableProgramError(found, "Correct the name after the colon in `program`.")
    if not inspect.isasyncgenfunction(program):
        found = f"model {model.name}: {model.program} is no async generator function"
        remedy = f"Write it as `async def {function}(ask)`, with a `yield`: docs/programs.md."
        raise UnusableProgramError(found, remedy)
    loaded: Program = program
    return loaded


def faults(models: Iterable[ModelConfig]) -> list[UnusableProgramError]:
    """The fault of each program that cannot run. Blocks: it imports them."""
    found = []
    for model in models:
        if model.program:
            try:
                load(model)
            except UnusableProgramError as error:
                found.append(error)
    return found


def _imported(model: ModelConfig, name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:  # the operator's code: it may raise anything
        logger.debug("%s could not be imported", name, exc_info=True)
        if isinstance(error, ModuleNotFoundError) and error.name and f"{name}.".startswith(f"{error.name}."):
            found = f"model {model.name}: there is no module {error.name}"
            remedy = "Correct `program`, or put the module on the Python path of the workers, and here."
        else:  # of its text only a name, which holds no secret
            lacking = f" ({error.name})" if isinstance(error, ImportError) and error.name else ""
            found = f"model {model.name}: importing {name} raised {type(error).__name__}{lacking}"
            remedy = f"See the traceback: python manage.py shell -c 'import {name}'"
        raise UnusableProgramError(found, remedy) from error
