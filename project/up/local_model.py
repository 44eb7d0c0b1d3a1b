"""A small model on this machine, as an OpenAI-compatible server: `python -m project.up.local_model --port N`.

The API key comes from OPENAI_API_KEY, because other users can read a command line.
"""

import argparse
import os
import signal

import xllamacpp

from project.up.environment import LOCAL_MODEL, weights
from project.up.ports import HOST

ANSWERS = 4  # answers at the same time; more are queued
CONTEXT_TOKENS = 2048  # for each of them
TEMPERATURE, TOP_P = 0.2, 0.9  # recommended by the card of SmolLM2
REPEAT_PENALTY = 1.1  # without it so small a model repeats one sentence for ever


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="Serve the local model.")
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    endings = {signal.SIGTERM, signal.SIGINT}
    # before the server starts its threads: they inherit the mask, and only sigwait receives the signal
    signal.pthread_sigmask(signal.SIG_BLOCK, endings)
    server = xllamacpp.Server(parameters(port, os.environ["OPENAI_API_KEY"]))
    print(f"{LOCAL_MODEL} listens on {server.listening_address}", flush=True)  # noqa: T201 - this is its log
    signal.sigwait(endings)
    os._exit(0)  # the server's own shutdown would wait for running answers


def parameters(port: int, key: str) -> xllamacpp.CommonParams:
    """Configure the server: loopback address only, one name, one key, no prompt in the log."""
    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.model_alias = {LOCAL_MODEL}
    params.hostnames = [HOST]
    params.port = port
    params.api_keys = [key]
    params.cors_origins = f"http://{HOST}"  # the default lets every web page in
    params.n_parallel = ANSWERS
    params.sampling.temp, params.sampling.top_p = TEMPERATURE, TOP_P
    params.sampling.penalty_repeat = REPEAT_PENALTY
    params.n_ctx = ANSWERS * CONTEXT_TOKENS
    params.endpoint_slots = False  # it shows prompts
    params.ui = False
    params.verbosity = 0  # even its error lines may quote a request
    return params


if __name__ == "__main__":
    main()
