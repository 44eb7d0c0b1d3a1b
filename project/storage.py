"""Static files under names that change with their content: compressed once, and kept by browsers for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, which here also writes the hashed names into the imports of ES modules."""

    support_js_module_import_aggregation = True

    def url(self, name: str, force: bool = True) -> str:
        """Give the hashed address, with DEBUG too: what was collected is what `manage.py up` serves."""
        return str(super().url(name, force))
