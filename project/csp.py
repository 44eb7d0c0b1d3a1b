"""The Content Security Policy: sources that pages may load. No `unsafe-*`."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data:",  # icons of the admin
        "worker-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
# strings never become HTML or scripts; the one policy is of `shell/offline_worker.js`, for one address
TRUSTED_TYPES = "require-trusted-types-for 'script'; trusted-types offline-worker"


class ContentSecurityPolicy(MiddlewareMixin):
    """Sends the policy with every response."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add the header."""
        policy = POLICY if _is_of_admin(request) else f"{POLICY}; {TRUSTED_TYPES}"
        response.headers.setdefault("Content-Security-Policy", policy)
        return response


def _is_of_admin(request: HttpRequest) -> bool:
    """Whether it is an admin page: its jQuery sets innerHTML, never from a model."""
    return request.resolver_match is not None and "admin" in request.resolver_match.app_names
