"""Record what a page must not do: errors, violations of the policy, foreign scripts, requests to other hosts.

in:  everything that happens in a browser context, from before its first document on
out: lists that a test expects to be empty
"""

from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Dialog, Request

# in every document, before its own scripts: the policy's reports, and what hostile text tries to call
SCRIPT = """
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) =>
  watchViolation(`${violatedDirective} ${blockedURI} ${sample}`));
globalThis.canary = (...args) => watchScript(String(args));
"""
INSIDE = ("data", "blob", "about")  # schemes that do not leave the browser


@dataclass
class Watch:
    """The records of one browser context."""

    context: BrowserContext
    errors: list[str] = field(default_factory=list)  # uncaught, or logged; but for a lost connection
    violations: list[str] = field(default_factory=list)  # of the Content Security Policy
    scripts: list[str] = field(default_factory=list)  # `canary()` was called, or a dialog opened
    requests: list[Request] = field(default_factory=list)  # all of them

    @classmethod
    async def over(cls, context: BrowserContext) -> Self:
        """Watch a context from now on."""
        watch = cls(context)
        await context.expose_binding("watchViolation", lambda _, entry: watch.violations.append(entry))
        await context.expose_binding("watchScript", lambda _, entry: watch.scripts.append(entry))
        await context.add_init_script(SCRIPT)
        context.on("request", lambda request: watch.requests.append(request))
        context.on("weberror", lambda raised: watch.errors.append(str(raised.error)))
        context.on("console", watch._record)
        context.on("dialog", watch._refuse)
        return watch

    def leaving(self, origin: str) -> list[str]:
        """The addresses of the requests to other hosts, also of those that the policy stopped."""
        places = [urlsplit(request.url) for request in self.requests]
        return [
            place.geturl()
            for place in places
            if place.scheme not in INSIDE and place.netloc != urlsplit(origin).netloc
        ]

    def _record(self, message: ConsoleMessage) -> None:
        is_connecting = message.text.startswith("WebSocket") or message.location["url"].endswith("/guest/")
        if message.type == "error" and not is_connecting:
            self.errors.append(message.text)

    async def _refuse(self, dialog: Dialog) -> Any:
        self.scripts.append(f"dialog: {dialog.message}")
        await dialog.dismiss()
