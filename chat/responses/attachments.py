"""Files of input items: stored from data, claimed by a response, and loaded into its prompt.

There is no storage of files yet: data and files are refused, so no prompt names any.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.protocol.input_items import DataPart, data_parts, with_files
from chat.protocol.messages import stored_files, with_data

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from chat.models import Response


def store(owner: "AbstractBaseUser", part: DataPart) -> str:
    """Store data as a file. Returns its id. Blocks, and not in a transaction.

    Raises CommandError with the path.
    """
    raise CommandError("unsupported_parameter", part.path)


def claim(owner: "AbstractBaseUser", response: "Response", file_ids: Mapping[str, str]) -> None:
    """Let a new response refer to the owner's files, in the transaction that stores it.

    `file_ids`: of each id its path. Raises CommandError with the path of a file that is none of the owner's.
    """
    for path in file_ids.values():
        raise CommandError("unsupported_parameter", path)


def load(owner_id: int, file_ids: Iterable[str]) -> dict[str, str]:
    """The data URLs of an owner's files, by their ids; of those that exist. Blocks."""
    return {}


def attached(owner: "AbstractBaseUser", items: list[JSON]) -> list[JSON]:
    """Items with stored files in place of data. Blocks. Raises as `store`."""
    return with_files(items, {part.path: store(owner, part) for part in data_parts(items)})


def loaded(owner_id: int, messages: list[JSON]) -> list[JSON]:
    """A prompt's messages with the data of the files that they name. Blocks."""
    names = stored_files(messages)
    return with_data(messages, load(owner_id, names)) if names else messages
