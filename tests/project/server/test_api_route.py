"""The API's route: requests below `/v1/`, also of a site under a path."""

from typing import Any

import pytest

from project.server.api_route import ApiRoute

Scope = dict[str, Any]


@pytest.mark.parametrize(
    ("path", "is_api"),
    [
        ("/v1/nothing", True),
        ("/v1/", True),
        ("/v1", False),
        ("/v1x/models", False),
        ("/", False),
        ("/conversations/v1/", False),
    ],
)
@pytest.mark.parametrize("root", ["", "/chat"])
async def test_the_api_has_the_requests_below_its_prefix(path: str, root: str, is_api: bool) -> None:
    statuses: list[int] = []

    async def others(scope: Scope, receive: Any, send: Any) -> None:
        statuses.append(0)

    async def send(message: dict[str, Any]) -> None:
        if "status" in message:
            statuses.append(message["status"])

    scope = {"type": "http", "method": "GET", "path": f"{root}{path}", "root_path": root}
    await ApiRoute(others)(scope | {"headers": [], "query_string": b""}, send, send)  # type: ignore[arg-type]  # nothing is received
    assert statuses == [404 if is_api else 0]
