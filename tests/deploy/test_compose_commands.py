"""The commands of docker-compose.yml, run as it runs them: they start, are healthy, and answer."""

import base64
import json
import resource
import subprocess
from collections.abc import Iterator
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, ProxyHandler, Request, build_opener

import psycopg
import pytest
import redis
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from project.up.ports import HOST
from tests.deploy.stack import SERVICES, Stack, up
from tests.harness.processes import free_port
from tests.harness.socket_client import TOKEN
from tests.harness.waiting import deadline, wait_until

PASSWORD = "a-password-of-the-test"
VARIABLES = {
    "SECRET_KEY": "a-long-random-string-for-this-test-alone-0123456789",
    "POSTGRES_PASSWORD": "secret",
    "REDIS_PASSWORD": "of-redis-alone",
    "FLOWER_BASIC_AUTH": f"somebody:{PASSWORD}",
    "TAILRACE_GUESTS": "1",
}
ANSWER_SECS = 60
HEALTH_CPU_SECS = 0.2


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with up(tmp_path_factory.mktemp("stack"), VARIABLES) as running:
        yield running


class Browser:
    """Keeps cookies, and asks the web or Flower."""

    def __init__(self, stack: Stack, service: str = "web") -> None:
        self.port = stack.ports[service]
        self.origin = f"http://localhost:{self.port}"
        self.jar = CookieJar()
        self.opener: OpenerDirector = build_opener(HTTPCookieProcessor(self.jar), ProxyHandler({}))

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        return self._ask(Request(f"http://{HOST}:{self.port}{path}", headers=headers))

    def post(self, path: str, **form: str) -> tuple[int, str]:
        headers = {"Origin": self.origin}
        return self._ask(Request(f"http://{HOST}:{self.port}{path}", urlencode(form).encode(), headers))

    def become_guest(self) -> None:
        status, page = self.get("/")
        assert status == 200
        assert self.post("/guest/", csrfmiddlewaretoken=TOKEN.findall(page)[0])[0] == 200

    def _ask(self, request: Request) -> tuple[int, str]:
        try:
            with self.opener.open(request, timeout=deadline(ANSWER_SECS)) as response:
                return response.status, response.read().decode(
                    errors="replace"
                )  # fonts and pictures are no text
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.name: cookie.value or "" for cookie in self.jar}

    @property
    def cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())


def asked(stack: Stack, browser: Browser, **command: Any) -> list[dict[str, Any]]:
    url = f"ws://{HOST}:{stack.ports['web']}/ws/responses/"
    headers = {"Cookie": browser.cookie_header}
    events: list[dict[str, Any]] = []
    with connect(
        url, origin=Origin(browser.origin), additional_headers=headers, open_timeout=deadline(), proxy=None
    ) as socket:
        socket.send(json.dumps({"type": "response.create", **command}))
        while not events or events[-1]["type"] not in ("response.completed", "response.failed", "error"):
            events.append(json.loads(socket.recv(timeout=deadline(ANSWER_SECS))))
    return events


def test_every_service_is_healthy(stack: Stack) -> None:
    for name in ("postgres", "web", "worker", "flower"):
        assert stack.is_healthy(name)


def test_every_part_is_ready(stack: Stack) -> None:
    status, body = Browser(stack).get("/readyz")
    assert (status, json.loads(body)["status"]) == (200, "ready")


def test_a_guest_gets_an_answer_over_the_socket(stack: Stack) -> None:
    browser = Browser(stack)
    browser.become_guest()
    events = asked(stack, browser, model="demo-count", input="go")
    assert events[-1]["type"] == "response.completed"
    deltas = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    final = events[-1]["response"]["output"][-1]["content"][0]["text"]
    assert deltas == final != ""


def test_a_page_from_elsewhere_gets_no_socket(stack: Stack) -> None:
    browser = Browser(stack)
    browser.become_guest()
    browser.origin = "http://elsewhere.example"
    with pytest.raises(InvalidStatus, match="403"):
        asked(stack, browser, model="demo-count", input="go")


def test_the_user_that_createsuperuser_makes_can_sign_in(stack: Stack) -> None:
    command = [
        "python",
        "manage.py",
        "createsuperuser",
        "--noinput",
        "--username=ada",
        "--email=ada@example.org",
    ]
    done = stack.run(command, DJANGO_SUPERUSER_PASSWORD=PASSWORD)
    assert done.returncode == 0, done.stderr
    browser = Browser(stack)
    browser.get("/accounts/login/")
    form = {"username": "ada", "password": PASSWORD, "csrfmiddlewaretoken": browser.cookies["tailrace_csrf"]}
    status, _ = browser.post("/accounts/login/", **form)
    assert status == 200
    assert "tailrace_session" in browser.cookies
    assert browser.get("/admin/")[0] == 200


def test_static_files_are_served_under_names_that_may_be_kept_for_ever(stack: Stack) -> None:
    browser = Browser(stack)
    manifest = json.loads((stack.app / "staticfiles/staticfiles.json").read_text())
    names = {name: kept for name, kept in manifest["paths"].items() if name.startswith("chat/")}
    assert names
    for name, kept_name in names.items():
        assert kept_name != name
        assert browser.get(f"/static/{kept_name}")[0] == 200


def test_flower_refuses_who_has_no_password(stack: Stack) -> None:
    for headers in ({}, {"Authorization": basic("somebody:wrong")}):
        for path in ("/", "/workers", "/api/workers", "/api/tasks"):
            assert Browser(stack, "flower").get(path, **headers)[0] == 401


def test_flower_shows_the_worker_to_who_has_one(stack: Stack) -> None:
    browser = Browser(stack, "flower")
    headers = {"Authorization": basic(VARIABLES["FLOWER_BASIC_AUTH"])}
    assert browser.get("/workers", **headers)[0] == 200

    def workers() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(browser.get("/api/workers?refresh=1", **headers)[1])
        return found

    [name] = wait_until(workers, ANSWER_SECS, "Flower sees the worker")
    assert name.startswith("celery@")


def basic(credentials: str) -> str:
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


def test_redis_asks_for_the_password_and_no_command_line_has_it(stack: Stack) -> None:
    with redis.Redis(HOST, stack.ports["redis"]) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    listed = subprocess.run(["ps", "-ww", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    assert f"--port {stack.ports['redis']}" in listed or f":{stack.ports['redis']}" in listed
    commands = [word for service in SERVICES.values() for word in stack.command(service)]
    assert [text for text in (listed, *commands) if VARIABLES["REDIS_PASSWORD"] in text] == []


def test_the_role_of_the_app_owns_its_database_and_is_no_superuser(stack: Stack) -> None:
    with psycopg.connect(stack.database.url) as database:
        query = (
            "SELECT rolsuper, rolcreaterole, rolcreatedb, pg_get_userbyid(datdba) "
            "FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()"
        )
        assert database.execute(query).fetchone() == (False, False, False, "tailrace")


def test_the_superuser_cannot_sign_in_over_the_network(stack: Stack) -> None:
    url = stack.database.url.replace("//tailrace:", "//postgres:")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_the_health_check_of_a_worker_fails_for_one_that_is_not_there(stack: Stack) -> None:
    command = SERVICES["worker"].health_command(stack.variables)
    elsewhere = [word.replace("9464", str(free_port())) for word in command]
    assert stack.run(elsewhere, "worker").returncode != 0


@pytest.mark.parametrize("name", ["web", "worker", "flower"])
def test_a_health_check_costs_little(stack: Stack, name: str) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert stack.is_healthy(name)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    secs = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{name}: {secs:.3f} s of CPU")  # noqa: T201 - a measurement, with -s
    assert secs < HEALTH_CPU_SECS


def test_the_doctor_finds_only_what_the_file_leaves_open(stack: Stack) -> None:
    done = stack.run(["python", "manage.py", "doctor", "--json"], "worker")
    assert done.returncode == 0, done.stdout + done.stderr
    found = {finding["what"]: finding for finding in json.loads(done.stdout)["findings"]}
    not_well = {what for what, finding in found.items() if finding["state"] != "ok"}
    # plain http on localhost, and no key; a busy machine may be slow
    assert {"https", "model default"} <= not_well <= {"https", "model default", "Redis latency"}
    assert found["workers"]["found"] == "1 live"


def test_nothing_is_written_into_the_image(stack: Stack) -> None:
    browser = Browser(stack)
    browser.become_guest()
    asked(stack, browser, model="demo-count", input="go")
    assert stack.files == stack.built
