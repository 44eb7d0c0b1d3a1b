"""Files of input items: stored from data, claimed by a response, and loaded into its prompt."""

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from chat.files.claiming import claim
from chat.files.reading import data_url
from chat.files.storing import store_data_url
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.protocol.input_items import data_parts, with_files
from chat.protocol.messages import stored_files, with_data

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

__all__ = ["attached", "claim", "loaded"]


def attached(owner: "AbstractBaseUser", items: list[JSON]) -> list[JSON]:
    """Items with stored files in place of data. Blocks, not in a transaction; raises as `store_data_url`."""
    stored = {
        part.path: store_data_url(owner, part.url, part.path, name=part.name, image=part.is_image)
        for part in data_parts(items)
    }
    return with_files(items, stored)


def loaded(owner_id: int, messages: list[JSON]) -> list[JSON]:
    """A prompt's messages with the data of the files that they name. Blocks."""
    names = stored_files(messages)
    return with_data(messages, _load(owner_id, names)) if names else messages


def _load(owner_id: int, file_ids: Iterable[str]) -> dict[str, str]:
    """The data URLs of an owner's files, by their ids; of those that exist."""
    found: dict[str, str] = {}
    for file_id in file_ids:
        with suppress(CommandError):  # deleted
            found[file_id] = data_url(owner_id, file_id)
    return found
