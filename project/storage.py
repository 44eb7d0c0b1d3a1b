"""Static files: under hashed names and compressed, or as they are; below any path of the host."""

from typing import Any

from django.contrib.staticfiles.storage import StaticFilesStorage
from django.urls import get_script_prefix
from whitenoise.storage import CompressedManifestStaticFilesStorage

FOLDER = "static/"  # below the site's path
# the address of a file that a module does not import, such as a stylesheet
MODULE_URLS = (
    r"""(?P<matched>new URL\(["'](?P<url>\.{1,2}/[^"']*)["'],\s*import\.meta\.url\))""",
    """new URL("%(url)s", import.meta.url)""",
)


def _base_url(_: Any) -> str:
    """The path of this request, where Django keeps that of the first."""
    return f"{get_script_prefix()}{FOLDER}"


class PlainFiles(StaticFilesStorage):
    """Django's storage."""

    base_url = property(_base_url)


class HashedFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, also hashing the addresses in ES modules: of imports and of `new URL`."""

    base_url = property(_base_url)
    support_js_module_import_aggregation = True
    patterns = (*CompressedManifestStaticFilesStorage.patterns, ("*.js", (MODULE_URLS,)))
    max_post_process_passes = 10  # one for each step in the longest chain of imports

    def url(self, name: str, force: bool = True) -> str:
        """The hashed URL, also with DEBUG, for `manage.py up`."""
        return str(super().url(name, force))
