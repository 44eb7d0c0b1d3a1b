"""The form of an upload: one file, and fields beside it."""

from io import BytesIO
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from chat.files.spool import Spool
from chat.protocol.errors import CommandError

FIELD = "file"


class OneFile(FileUploadHandler):
    """Passes the file of a form to a spool, whose bound it has, while the form arrives."""

    def __init__(self, spool: Spool) -> None:
        super().__init__()
        self._spool, self._found = spool, 0

    def new_file(self, field_name: str, file_name: str, *args: object, **kwargs: object) -> None:
        """Begin a file. Raises CommandError for another field, or a second file."""
        super().new_file(field_name, file_name, *args, **kwargs)  # type: ignore[arg-type]  # as they came
        self._found += 1
        if field_name != FIELD or self._found > 1:
            raise CommandError("invalid_field", field_name[:100])

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Take a part."""
        self._spool.write(raw_data)

    def file_complete(self, file_size: int) -> "UploadedFile[bytes]":
        """The file for `request.FILES`."""
        return UploadedFile(self._spool.file, self.file_name, self.content_type, file_size)


def parse_form(body: bytes, content_type: str, spool: Spool) -> tuple[Any, dict[str, str]]:
    """The file of a `multipart/form-data` body, with its content in the spool, and the other fields.

    Of repeated fields the last one counts. Raises CommandError.
    """
    meta = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": len(body)}
    try:
        fields, files = MultiPartParser(meta, BytesIO(body), [OneFile(spool)], "utf-8").parse()
    except (MultiPartParserError, SuspiciousOperation):
        raise CommandError("invalid_field", FIELD) from None
    file = files.get(FIELD)
    if file is None:
        raise CommandError("missing_field", FIELD)
    return file, {name: str(fields[name]) for name in fields}
