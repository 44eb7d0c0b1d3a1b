"""Section: the largest number of streams at 50 tokens/s whose tokens are on time.

The better of one and two processes counts, where a design has CPU to spend. A failed probe is repeated once:
a shared machine may have been busy.
"""

from bench.designs import Scale
from bench.ground import Ground, log
from bench.loader import Figures, UnansweredError
from bench.probing import probe, work_of
from bench.runs import Running
from bench.search import Bracket

P99_MS = 250
MOST = 640  # streams, for which designs are prepared
LEAST_PART = 0.97  # of offered tokens; with fewer, the upstream or the load was too slow
SCALES = {
    "tailrace": (Scale(1, 1, MOST), Scale(1, 2, MOST)),
    "direct": (Scale(1, 1, MOST), Scale(2, 1, MOST)),
    "relay": (Scale(1, 1, MOST),),
}


async def measured(ground: Ground) -> Figures:
    """Return each design's number of `streams`, `configuration`, and probes."""
    best: Figures = {}
    for name in ground.plan.among(SCALES):
        tries = [await _tried(ground, name, scale) for scale in SCALES[name]]
        best[name] = max(tries, key=lambda figures: int(figures["streams"])) | {"configurations": tries}
    return best


def is_ok(figures: Figures) -> bool:
    """Return whether a probe's tokens were on time and complete."""
    if "latency_ms" not in figures:
        return False
    is_whole = figures["sent_per_sec"] >= LEAST_PART * figures["offered_per_sec"]
    is_on_time = figures["latency_ms"]["p99"] < P99_MS
    return bool(is_whole and is_on_time)


async def _tried(ground: Ground, name: str, scale: Scale) -> Figures:
    async with ground.design(name, [work_of(MOST)], scale) as target:
        found = await search(target)
    workers = f" + {scale.workers} worker" if name == "tailrace" else ""
    return found | {"configuration": f"{scale.web} web{workers}"}


async def search(target: Running) -> Figures:
    """Probe until the bracket is narrow; `at_most`: the last probe that passed."""
    bracket, probes = Bracket(), []
    while (streams := bracket.guess()) is not None and streams <= MOST:
        figures = await _probed(target, streams)
        if not is_ok(figures):
            log("once more")
            figures = await _probed(target, streams)
        probes.append(figures | {"is_ok": is_ok(figures)})
        bracket = bracket.after(streams, is_ok=is_ok(figures))
    at_most = next((each for each in reversed(probes) if each["streams"] == bracket.passed), None)
    return {"streams": bracket.passed, "at_most": at_most, "probes": probes}


async def _probed(target: Running, streams: int) -> Figures:
    """Probe and log; `latency_ms` is missing if an answer was refused or did not end."""
    name = target.design.name
    try:
        figures = await probe(target, streams)
    except UnansweredError as error:
        log(f"{name}, {streams} streams: {str(error).splitlines()[0]}")
        return {"streams": streams}
    late, sent = figures["latency_ms"]["p99"], figures["sent_per_sec"]
    log(f"{name}, {streams} streams: p99 {late:.0f} ms, {sent:.0f} of {figures['offered_per_sec']} tokens/s")
    return figures
