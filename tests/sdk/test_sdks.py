"""Both official SDKs read our streams, raw and by their helpers, over HTTP: each gets the right answer."""

import json
from collections.abc import Iterator

import pytest
from openai import AsyncOpenAI, OpenAI

from tests.sdk.cases import CASES, Case
from tests.sdk.nodes import run
from tests.sdk.reading import Job, Reading, read, read_async
from tests.sdk.recording import recorded_async_http, recorded_http
from tests.sdk.rules import check, check_resumed_replay
from tests.sdk.server import running

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
JOBS = [job for case in CASES for job in Job.all_of(case)]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The base URL of a server of all cases."""
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def in_node(url: str) -> dict[Job, Reading]:
    """All readings of the SDK for Node: one process reads them."""
    jobs = json.dumps([job.as_object() for job in JOBS])
    lines = run("reading.mjs", url, given=jobs).split("\n")[:-1]  # a text may have other ends of lines
    readings = [Reading(**json.loads(line)) for line in lines]
    return dict(zip(JOBS, readings, strict=True))


@each_case
def test_the_sdk_for_python_reads_the_answer(url: str, case: Case) -> None:
    with OpenAI(base_url=url, api_key="none", max_retries=0, http_client=recorded_http([])) as client:
        for job in Job.all_of(case):
            checked(job, read(client, job))


@each_case
async def test_the_asynchronous_sdk_reads_the_answer(url: str, case: Case) -> None:
    http = recorded_async_http([])
    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0, http_client=http) as client:
        for job in Job.all_of(case)[:4]:
            checked(job, await read_async(client, job))


@each_case
def test_the_sdk_for_node_reads_the_answer(in_node: dict[Job, Reading], case: Case) -> None:
    for job in Job.all_of(case):
        checked(job, in_node[job])


def checked(job: Job, reading: Reading) -> None:
    try:
        check(job, reading)
        check_resumed_replay(job, reading)
    except AssertionError as error:
        error.add_note(f"{job}: {reading}")
        raise
