"""Serve the local model: `python -m project.up.local_model --port N`.

The key comes from OPENAI_API_KEY: other users can read a command line.
"""

import argparse
import os
import signal

import xllamacpp

from project.up.environment import LOCAL_MODEL, weights
from project.up.ports import HOST

ANSWERS = 4  # at once; more are queued
CONTEXT_TOKENS = 2048  # each
TEMPERATURE, TOP_P = 0.2, 0.9  # from SmolLM2's model card
THREADS = max(1, (os.cpu_count() or 1) - 1)  # they spin while they wait for one that has no core
REPEAT_PENALTY = 1.1  # without it this model repeats itself


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="Serve the local model.")
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    endings = {signal.SIGTERM, signal.SIGINT}
    # before the server's threads, which inherit the mask: only sigwait receives the signals
    signal.pthread_sigmask(signal.SIG_BLOCK, endings)
    server = xllamacpp.Server(parameters(port, os.environ["OPENAI_API_KEY"]))
    print(f"{LOCAL_MODEL} listens on {server.listening_address}", flush=True)  # noqa: T201 - this is its log
    signal.sigwait(endings)
    os._exit(0)  # a regular shutdown waits for running answers


def parameters(port: int, key: str) -> xllamacpp.CommonParams:
    """Configure the server: loopback only, one key, no prompt in the log."""
    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.model_alias = {LOCAL_MODEL}
    params.hostnames = [HOST]
    params.port = port
    params.api_keys = [key]
    params.cors_origins = f"http://{HOST}"  # the default allows every page
    params.n_parallel = ANSWERS
    params.sampling.temp, params.sampling.top_p = TEMPERATURE, TOP_P
    params.sampling.penalty_repeat = REPEAT_PENALTY
    params.n_ctx = ANSWERS * CONTEXT_TOKENS
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = THREADS
    params.endpoint_slots = False  # shows prompts
    params.ui = False
    params.verbosity = 0  # error lines may quote requests
    return params


if __name__ == "__main__":
    main()
