"""Static files under hashed names, compressed once."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, also hashing imports of ES modules."""

    support_js_module_import_aggregation = True

    def url(self, name: str, force: bool = True) -> str:
        """The hashed URL, also with DEBUG, for `manage.py up`."""
        return str(super().url(name, force))
