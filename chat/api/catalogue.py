"""`/v1/models`: the catalog."""

from chat.api.endpoint import Endpoint
from chat.api.exchange import Exchange
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.responses.model_catalog import catalog


class Models(Endpoint):
    """`/v1/models`."""

    async def get(self, exchange: Exchange) -> None:
        """List the models, in the catalog's order."""
        await exchange.reply({"object": "list", "data": [_model(name) for name in catalog()]})


class Model(Endpoint):
    """`/v1/models/<name>`."""

    async def get(self, exchange: Exchange, name: str) -> None:
        """Retrieve a model. Raises CommandError."""
        if name not in catalog():
            raise CommandError("model_not_found", "model")
        await exchange.reply(_model(name))


def _model(name: str) -> JSON:
    return {"id": name, "object": "model", "created": 0, "owned_by": "tailrace"}
