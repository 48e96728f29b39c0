"""What traces cost at scale: ``python -m benchmarks.traces`` (``--runs 1000`` for a small one).

Makes many runs on the temporary disk (removed at the end): the shapes, texts and shares of real ones, with three pairs
of parts and two policies. Then it measures the index, a grouped query, the statistics, and what writing an event costs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import statistics as st
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.tables import table
from reasonedit_agent.analysis.replay import record, replay, summarise
from reasonedit_agent.events import (
    EVENT,
    AnyEvent,
    Asked,
    Called,
    Decided,
    Edited,
    Failed,
    Judged,
    PartInfo,
    Planned,
    RunEnded,
    RunStarted,
)
from reasonedit_agent.folding import Fold
from reasonedit_agent.registry import build_policy
from reasonedit_agent.schemas import (
    SOURCE,
    Accepted,
    Answer,
    Candidate,
    Continue,
    EditCall,
    EditRequest,
    EditStep,
    Failure,
    Geometry,
    ImageRef,
    Refine,
    Rejected,
    Scores,
    Stop,
    Thought,
    Usage,
    Verdict,
)
from reasonedit_agent.tracing import EVENTS, TraceWriter

ASKS = (
    "make it warmer",
    "blur the background and make the cup green",
    "remove the person on the left",
    "give the photo the mood of a rainy evening, with wet streets and the lamps lit",
    "把天空变成日落的颜色",
)
CRITIQUE = "The cup is green and its highlights are kept, but the saucer took some of the colour and the edge is soft. "
PARTS = (("embedded", "classical"), ("openai(url=http://gpu:8000/v1)", "classical"), ("openai", "diffusers(EDIT)"))
POLICIES = ("accepted | rounds(3); keep=reference; next=rollback", "rounds(3); keep=reference; next=rollback")
PROTOTYPES = 2000


def image(rng: random.Random) -> ImageRef:
    name = hashlib.sha256(rng.randbytes(8)).hexdigest()
    return ImageRef(sha256=name, width=1024, height=768, media_type="image/png")


def usage(rng: random.Random, reasoner: str) -> Usage:
    seconds = rng.lognormvariate(0, 0.5)
    if reasoner == "embedded":
        return Usage(seconds=seconds, images=1)
    tokens = rng.randint(900, 2400)
    known = {"usd": tokens * 2e-6} if reasoner.startswith("openai(") else {}
    return Usage(seconds=seconds, prompt_tokens=tokens, completion_tokens=rng.randint(40, 400), images=2, **known)


def verdict(rng: random.Random, round_: int) -> Verdict | Failure:
    draw = rng.random()
    if draw < 0.02:
        return Failure(reason=rng.choice(("malformed", "timed_out", "lost")), message="The reply could not be read.")
    good = draw < 0.55 + 0.1 * round_
    low = 7.0 if good else 1.0
    four = [round(rng.uniform(low, 10), 1) for _ in range(4)]
    scores = Scores(edit_success=four[0], over_editing=four[1], naturalness=four[2], artefacts=four[3])
    answers = (Answer(question="Is the cup green?", yes=good), Answer(question="Is the rest as it was?", yes=True))
    if good:
        return Accepted(scores=scores, answers=answers, critique=CRITIQUE)
    steps = (EditStep(text="make only the cup green"),)
    kind = Refine if rng.random() < 0.5 else Rejected
    return kind(scores=scores, answers=answers, critique=CRITIQUE * 2, steps=steps)


class Making:
    """Writes one run the way the graph does: every event goes through the fold, and the policy decides."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.events: list[AnyEvent] = []
        self.fold = Fold()
        self.at = 1.7e9

    def emit(self, event: AnyEvent) -> None:
        self.at += self.rng.uniform(0.01, 1.0)
        event = event.model_copy(update={"at": round(self.at, 4)})
        self.events.append(event)
        self.fold.add(event)

    def run(self) -> list[AnyEvent]:
        rng = self.rng
        reasoner, tool = rng.choice(PARTS)
        text = rng.choice(POLICIES) if rng.random() < 0.3 else POLICIES[0]
        request = EditRequest(image=image(rng), instruction=rng.choice(ASKS), seed=rng.getrandbits(32))
        parts = {"reasoner": PartInfo(name=reasoner, spec=reasoner), "tool": PartInfo(name=tool, spec=tool)}
        self.emit(RunStarted(run="RUN_ID_OF_20_LETTERS", request=request, policy=text, **parts))
        self.emit(Asked(node="think"))
        if rng.random() < 0.15:
            failure = Failure(reason="unsupported", message="There is no such thing in the picture.")
            self.emit(Failed(node="think", failure=failure, seconds=0.2))
            self.emit(RunEnded(node="finish", status="unsupported", stopped_by="unsupported", keep=SOURCE))
            return self.events
        if reasoner != "embedded":
            self.emit(Called(node="think", backend=reasoner, raw=CRITIQUE * 4, usage=usage(rng, reasoner)))
        thought = Thought(instruction=request.instruction, steps=(EditStep(text=request.instruction),))
        self.emit(Planned(node="think", thought=thought, seconds=rng.lognormvariate(0, 0.5)))
        policy = build_policy(text)
        while True:
            decision = policy.decide(self.fold.history)
            self.emit(Decided(node="decide", round=decision.after, decision=decision))
            if isinstance(decision.action, Stop):
                break
            assert isinstance(decision.action, Continue)
            self.round(decision.after + 1, decision.action, reasoner)
        status = "accepted" if self.fold.history.rounds[-1].verdicts[0].kind == "accepted" else "best_effort"
        ended = {"status": status, "stopped_by": decision.action.reason, "keep": decision.keep}
        self.emit(RunEnded(node="finish", round=decision.after, **ended))
        return self.events

    def round(self, number: int, action: Continue, reasoner: str) -> None:
        rng, history = self.rng, self.fold.history
        place = {"round": number}
        call = EditCall(
            base=history.candidate(action.base), instruction=action.instruction, steps=action.steps, seeds=action.seeds
        )
        self.emit(Asked(node="edit", call=call, key=rng.randbytes(32).hex(), **place))
        made = image(rng)
        found = (Candidate(image=made, seed=action.seeds[0], geometry=Geometry.of(made)),)
        self.emit(Edited(node="edit", candidates=found, seconds=rng.lognormvariate(1, 0.4), **place))
        self.emit(Asked(node="reflect", **place))
        if reasoner != "embedded":
            called = Called(node="reflect", backend=reasoner, raw=CRITIQUE * 5, usage=usage(rng, reasoner), **place)
            self.emit(called)
        said = verdict(rng, number)
        seconds = rng.lognormvariate(0, 0.5)
        if isinstance(said, Failure):
            self.emit(Failed(node="reflect", failure=said, seconds=seconds, **place))
        else:
            self.emit(Judged(node="reflect", verdict=said, seconds=seconds, **place))


def prototypes(count: int) -> list[tuple[bytes, int]]:
    made = []
    for seed in range(count):
        events = Making(random.Random(seed)).run()
        made.append((b"".join(event.model_dump_json().encode() + b"\n" for event in events), len(events)))
    return made


def make_runs(folder: Path, runs: int) -> int:
    """Write that many runs and return how many events they have."""
    shapes = prototypes(min(PROTOTYPES, runs))
    total = 0
    for number in range(runs):
        data, events = shapes[number % len(shapes)]
        name = f"20260101-{number:011d}"
        target = folder / name
        target.mkdir()
        (target / EVENTS).write_bytes(data.replace(b"RUN_ID_OF_20_LETTERS", name.encode()))
        total += events
    return total


def peak() -> float:
    """Return the most memory that this process had, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


GROUPED = """SELECT reasoner, tool, policy, c.verdict, count(*) AS n, avg(c.overall) AS score, sum(r.usd) AS usd
FROM runs r JOIN candidates c USING (run) GROUP BY ALL ORDER BY n DESC"""


def measure(folder: Path) -> dict[str, float]:
    """Measure the index, a query and the statistics of a folder of runs, in this process."""
    from reasonedit_agent.analysis.index import Index
    from reasonedit_agent.analysis.query import query
    from reasonedit_agent.analysis.stats import statistics

    index = Index(folder)
    start, cpu = time.perf_counter(), time.process_time()
    updated = index.update()
    found = {"events": float(updated.events), "index s": time.perf_counter() - start}
    found["index cpu s"] = time.process_time() - cpu
    found["index GB"] = peak()
    start = time.perf_counter()
    index.update()
    found["nothing new s"] = time.perf_counter() - start
    found["query s"] = _median(lambda: query(index, GROUPED))
    found["stats s"] = _median(lambda: statistics(index))
    found["peak GB"] = peak()
    found["index MB"] = sum(path.stat().st_size for path in index.folder.glob("*.parquet")) / 1e6
    return found


def _median(call: object) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        call()  # type: ignore[operator]
        times.append(time.perf_counter() - start)
    return st.median(times)


def writing(folder: Path, runs: int) -> tuple[float, float]:
    """Return the milliseconds of writing one event, and of opening a run and putting it on the disk at its end."""
    events = [Making(random.Random(seed)).run() for seed in range(runs)]
    inside = around = 0.0
    for number, run in enumerate(events):
        start = time.perf_counter()
        writer = TraceWriter(folder / f"{number}")
        opened = time.perf_counter()
        for event in run:
            writer.write(event)
        written = time.perf_counter()
        writer.close()
        inside += written - opened
        around += opened - start + time.perf_counter() - written
    return inside * 1e3 / sum(map(len, events)), around * 1e3 / runs


REPLAYED = (
    *(f"accepted | rounds({n})" for n in range(1, 7)),
    *(f"rounds({n})" for n in range(1, 6)),
    *(f"no_improvement({n}) | rounds(5)" for n in (1, 2)),
    *(f"score_at_least(overall={n}) | rounds(4)" for n in (7, 8)),
    "budget(seconds=60) | rounds(3)",
    "checklist_done | rounds(3)",
    "reasonedit",
    "editthinker",
    "single",
)


def judging(runs: int) -> tuple[float, float]:
    """Return the seconds of replaying runs under twenty policies, read from their lines, and the share judged."""
    lines = [
        [event.model_dump_json() for event in Making(random.Random(seed)).run()] for seed in range(min(runs, 2000))
    ]
    policies = [(text, build_policy(text)) for text in REPLAYED]
    start, outcomes = time.perf_counter(), []
    for number in range(runs):
        recorded = record([EVENT.validate_json(line) for line in lines[number % len(lines)]])
        if recorded is not None:
            outcomes += [replay(recorded, policy, text) for text, policy in policies]
    summarise(outcomes)
    return time.perf_counter() - start, sum(not outcome.missing for outcome in outcomes) / len(outcomes)


def main(runs: int) -> None:
    judged = min(runs, 10_000)
    seconds, share = judging(judged)
    with tempfile.TemporaryDirectory(prefix="traces-") as temporary:
        folder = Path(temporary)
        ms, run_ms = writing(folder / "written", min(runs, 300))
        start = time.perf_counter()
        (folder / "runs").mkdir()
        events = make_runs(folder / "runs", runs)
        size = sum(path.stat().st_size for path in (folder / "runs").glob(f"*/{EVENTS}")) / 1e6
        made = time.perf_counter() - start
        before = load()
        # Another process: its peak of memory is that of the index alone.
        command = [sys.executable, "-m", "benchmarks.traces", "--measure", str(folder / "runs")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        m = json.loads(done.stdout)
        assert m["events"] == events
    rows = [
        ["index, events/s", f"{events / m['index s']:,.0f}", "at least 20,000"],
        ["index, events per CPU second", f"{events / m['index cpu s']:,.0f}", ""],
        ["index, peak memory GB", f"{m['index GB']:.2f}", "under 2"],
        ["index again, nothing new, s", f"{m['nothing new s']:.2f}", ""],
        ["grouped query, s", f"{m['query s']:.2f}", "at most 1"],
        ["`stats`, s", f"{m['stats s']:.2f}", "at most 5"],
        ["queries and `stats`, peak memory GB", f"{m['peak GB']:.2f}", "under 2"],
        [
            f"replay of {judged:,} runs under {len(REPLAYED)} policies, s ({share:.0%} judged)",
            f"{seconds:.1f}",
            "at most 60",
        ],
        ["writing, ms per event", f"{ms:.3f}", "at most 0.1"],
        ["opening a run, and fsync at its end, ms per run", f"{run_ms:.1f}", ""],
    ]
    title = (
        f"{runs:,} runs, {events:,} events, {size:,.0f} MB of JSON lines (made in {made:.0f} s), "
        f"{m['index MB']:.0f} MB of index; load before {before}, after {load()}"
    )
    table(title, ["", "measured", "aim"], rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--measure", type=Path, help="Only measure this folder of runs; prints JSON.")
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure)))
    else:
        main(asked.runs)
