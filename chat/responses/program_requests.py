"""How a program asks over the API, beyond what a page can ask."""

from dataclasses import dataclass
from typing import Any

from chat.protocol.commands import Create


@dataclass(frozen=True, slots=True)
class ProgramRequest:
    """`digest`: of the body, which a repeated request must have, too; empty: it is not compared.

    `continues_unstored`: a response that is not stored may continue another one.
    """

    digest: str = ""
    continues_unstored: bool = False


def columns(command: Create, program: ProgramRequest | None) -> dict[str, Any]:
    """The columns of a row that say how it was asked; a page's are stored, and no reader waits for them."""
    if program is None:
        return {}
    return {
        "stored": command.store is not False,
        "background": command.background is True,
        "request_digest": program.digest,
    }


def outlives_reader(command: Create) -> bool:
    """Whether the answer continues without its reader: a client means to return."""
    by_key = command.tailrace.client_request_id is not None
    return command.store is not False or command.background is True or by_key
