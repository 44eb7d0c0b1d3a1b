"""The ASGI application, for `serve`, `runserver` and uvicorn."""

import gc
import os
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import path, re_path

from chat.conf import conf

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
http: Any = get_asgi_application()  # first: loads the applications that sockets import

from chat.routing import programs, websocket_urlpatterns  # noqa: E402
from chat.sockets.daphne import ClientConnections  # noqa: E402
from chat.sockets.origins import SocketOrigins  # noqa: E402
from project.executor import Executor  # noqa: E402
from project.postgres.serving import serve  # noqa: E402
from project.server.access_log import AccessLog  # noqa: E402
from project.server.api_route import ApiRoute  # noqa: E402
from project.server.lifespan import Lifespan  # noqa: E402
from project.server.local_peers import LocalPeers  # noqa: E402
from project.server.memory import return_large_blocks  # noqa: E402
from project.server.proxies import Proxies  # noqa: E402
from project.server.sign_in_gate import SignInGate  # noqa: E402
from project.server.transports import Transports  # noqa: E402

serve("web")
of_pages = SocketOrigins(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)), conf.ORIGINS)
# a program's key is in a header, which a foreign page cannot send
sockets = URLRouter([path("v1/responses", programs), re_path("", of_pages)])
router = ProtocolTypeRouter(
    {
        "http": Transports(AccessLog(ApiRoute(SignInGate(http)))),
        "websocket": ClientConnections(AccessLog(sockets)),
    }
)
proxied = Proxies(Executor(router), conf.PROXIES)
application = Lifespan(LocalPeers(proxied) if settings.DEBUG else proxied)

return_large_blocks()
gc.collect()
gc.freeze()  # collecting start-up objects would block sockets for 100 ms
