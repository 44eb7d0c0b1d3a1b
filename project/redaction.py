"""The settings that Django's error pages and reports hide: also addresses, whose URLs hold passwords."""

import re

from django.views.debug import SafeExceptionReporterFilter


class Redaction(SafeExceptionReporterFilter):
    """Django's filter, and settings whose names speak of an address."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|URL|HOSTS|LAYERS|DATABASES|DSN", re.IGNORECASE
    )
