"""Static files under hashed names: compressed once, and cached by browsers for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, which also writes hashed names into the imports of ES modules."""

    support_js_module_import_aggregation = True

    def url(self, name: str, force: bool = True) -> str:
        """Return the hashed URL, also with DEBUG: `manage.py up` serves the collected files."""
        return str(super().url(name, force))
