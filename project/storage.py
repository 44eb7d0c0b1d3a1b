"""Static files: under hashed names and compressed, or as they are; below any path of the host."""

import os
import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.urls import get_script_prefix
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

FOLDER = "static/"  # below the site's path
Processed = tuple[str, str | None, bool | Exception]  # a name, its hashed name, and whether that is new
# the address of a file that a module does not import, such as a stylesheet
MODULE_URLS = (
    r"""(?P<matched>new URL\(["'](?P<url>\.{1,2}/[^"']*)["'],\s*import\.meta\.url\))""",
    """new URL("%(url)s", import.meta.url)""",
)


def _depth(name: str) -> int:
    return name.count("/")


def _base_url(_: Any) -> str:
    """The path of this request, where Django keeps that of the first."""
    return f"{get_script_prefix()}{FOLDER}"


class PlainFiles(StaticFilesStorage):
    """Django's storage."""

    base_url = property(_base_url)


class WholeFiles(Compressor):
    """WhiteNoise's compressor; a file that exists is whole."""

    def write_data(self, path: str, data: bytes, suffix: str, stat_result: os.stat_result) -> str:
        """Write a compressed file under another name, then rename it."""
        written = Path(super().write_data(path, data, f"{suffix}.part", stat_result))
        return str(written.rename(f"{path}{suffix}"))


class HashedFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, also hashing the addresses in ES modules: of imports and of `new URL`.

    It compresses the files with a hash in their names, which no page has otherwise, and each once: another
    content has another name. A pass processes only the files in which an address changes: most have none.
    """

    base_url = property(_base_url)
    support_js_module_import_aggregation = True
    patterns = (*CompressedManifestStaticFilesStorage.patterns, ("*.js", (MODULE_URLS,)))
    max_post_process_passes = 10  # one for each step in the longest chain of imports
    _file = ""  # in process
    _addresses: dict[str, dict[str, str]]  # in each processed file: names, and their hashed names

    def url(self, name: str, force: bool = True) -> str:
        """The hashed URL, also with DEBUG, for `manage.py up`."""
        return str(super().url(name, force))

    def post_process(self, *args: Any, **options: Any) -> Iterator[Processed]:
        """Hash the files and the addresses in them, and compress them."""
        self._addresses = {}
        yield from super().post_process(*args, **options)

    def _post_process(
        self, paths: Mapping[str, Any], adjustable_paths: Sequence[str], hashed_files: dict[str, str]
    ) -> Iterator[tuple[Any, ...]]:
        """Process the files that are new, or have an address that has changed since."""
        for name in sorted(paths, key=_depth, reverse=True):
            found = self._addresses.get(name)
            if found is None or any(hashed_files.get(other, now) != now for other, now in found.items()):
                self._file, self._addresses[name] = name, {}
                yield from super()._post_process({name: paths[name]}, adjustable_paths, hashed_files)

    def _stored_name(self, name: str, hashed_files: dict[str, str]) -> str:
        stored = str(super()._stored_name(name, hashed_files))
        self._addresses[self._file][posixpath.normpath(name)] = stored
        return stored

    def create_compressor(self, **options: Any) -> Compressor:
        """Return the compressor."""
        return WholeFiles(use_brotli=settings.TAILRACE_BROTLI, **options)

    def compress_files(self, paths: Collection[str]) -> Iterator[tuple[str, str]]:
        """Compress the hashed files that are not yet; yield their names and those of the compressed ones."""
        hashed = set(self.hashed_files.values()).intersection(paths)
        yield from super().compress_files([path for path in hashed if not self._is_compressed(path)])

    def _is_compressed(self, path: str) -> bool:
        suffixes = (".br", ".gz") if settings.TAILRACE_BROTLI else (".gz",)
        return all(self.exists(f"{path}{suffix}") for suffix in suffixes)
