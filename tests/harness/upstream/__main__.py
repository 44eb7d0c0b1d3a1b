"""Starts the scripted upstream: `python -m tests.harness.upstream --port 8100 [--api-key KEY]`."""

import argparse
import asyncio

from tests.harness.upstream.server import serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.harness.upstream", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: a free one, printed in the ready line")
    parser.add_argument("--api-key", default="", help="the Bearer key that /v1 requires")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.api_key))
