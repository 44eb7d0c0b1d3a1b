"""The Content Security Policy: the only sources that our pages may load. No `unsafe-*` anywhere."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

POLICY = "; ".join(
    [
        "default-src 'self'",  # scripts, styles and sockets of our own origin
        "img-src 'self' data:",  # the admin draws its icons from data URLs
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
# no string becomes HTML or a script, and no script can create a policy that would allow it
TRUSTED_TYPES = "require-trusted-types-for 'script'; trusted-types 'none'"


class ContentSecurityPolicy(MiddlewareMixin):
    """Sends the policy with every response."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add the header."""
        policy = POLICY if _is_of_admin(request) else f"{POLICY}; {TRUSTED_TYPES}"
        response.headers.setdefault("Content-Security-Policy", policy)
        return response


def _is_of_admin(request: HttpRequest) -> bool:
    """Whether it is a page of the admin, whose jQuery sets innerHTML. It shows no model's text as HTML."""
    return request.resolver_match is not None and "admin" in request.resolver_match.app_names
