"""Real runs for these tests: real photos, edited by functions, judged from a script."""

from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from reasonedit_agent.events import Called
from reasonedit_agent.graphs.agent import EditAgent, EditResult
from reasonedit_agent.protocols import Context
from reasonedit_agent.schemas import (
    Accepted,
    Answer,
    Box,
    Candidate,
    Card,
    EditCall,
    EditRequest,
    EditStep,
    Failure,
    History,
    Phrase,
    Polygon,
    Refine,
    Rejected,
    Scores,
    Thought,
    Usage,
    Verdict,
)
from reasonedit_agent.testing import FunctionTool, ScriptedReasoner
from reasonedit_agent.tracing import EVENTS

PHOTOS = Path(__file__).parents[2] / "examples" / "photos"
BOX = Box(left=150, top=60, right=430, bottom=330)
STEP = EditStep(text="make the cup green", region=BOX)
PLAN = Thought(
    instruction="Make the cup green, and leave the saucer and the table as they are.",
    steps=(STEP, EditStep(text="warm the light a little")),
    keep=("the saucer", "the spoon"),
    checklist=("Is the cup green?", "Is the saucer as it was?", "Does the light look natural?"),
    changed=True,
)


def judged(kind: type[Verdict], success: float, rest: float, confidence: float | None = None) -> Verdict:  # type: ignore[valid-type]
    marks = Scores(edit_success=success, over_editing=rest, naturalness=8.1, artefacts=7.4)
    answers = (
        Answer(question="Is the cup green?", yes=success > 6, note="mean hue 121°" if success > 6 else "still white"),
        Answer(question="Is the saucer as it was?", yes=rest > 6),
        Answer(question="Does the light look natural?", yes=None, note="cannot be told from one picture"),
    )
    told = {"scores": marks, "answers": answers, "confidence": confidence}
    told["critique"] = "The rim of the cup is green, its inside is not; the saucer has a tinge."
    return kind(**told, **({} if kind is Accepted else {"steps": (STEP,)}))  # type: ignore[no-any-return, attr-defined, misc]


class Told(ScriptedReasoner):
    """A script that tells what each call cost and what came, as a server does."""

    def __init__(
        self, verdicts: Iterable[Verdict | Failure], thoughts: Iterable[Thought | Failure] = (), raw: str = ""
    ) -> None:
        super().__init__(verdicts, thoughts)
        self.raw = raw or '{"instruction": "Make the cup green", "steps": ["make the cup green"]}'

    def tell(self, ctx: Context) -> None:
        usage = Usage(seconds=1.31, prompt_tokens=1840, cached_tokens=1216, completion_tokens=212, images=2, usd=0.0021)
        ctx.emit(Called(backend="qwen3-vl-8b", error="503: the server is loading", attempt=1))
        ctx.emit(
            Called(
                backend="qwen3-vl-8b",
                prompt="json/reflect 3",
                prompt_sha256="9f" * 32,
                raw=self.raw,
                reasoning="The cup is the large white thing in the middle.",
                usage=usage,
            )
        )

    async def think(self, request: EditRequest, card: Card, history: History, ctx: Context) -> Thought:
        self.tell(ctx)
        return await super().think(request, card, history, ctx)

    async def reflect(
        self,
        request: EditRequest,
        thought: Thought,
        call: EditCall,
        candidate: Candidate,
        history: History,
        ctx: Context,
    ) -> Verdict:
        self.tell(ctx)
        return await super().reflect(request, thought, call, candidate, history, ctx)


def tint(base: Image.Image, call: EditCall, seed: int) -> Image.Image:
    """Tint the box of the first step; the seed says how, so that each picture is another."""
    box = (base.width // 4, base.height // 6, base.width * 3 // 4, base.height * 5 // 6)
    mask = Image.new("L", base.size)
    ImageDraw.Draw(mask).ellipse(box, fill=150 + seed % 80)
    mask = mask.filter(ImageFilter.GaussianBlur(9))
    green = Image.merge(
        "RGB",
        [
            band.point([min(255, round(v * k)) for v in range(256)])
            for band, k in zip(base.split(), (0.5, 1.15, 0.6 + seed % 5 / 10), strict=True)
        ],
    )
    return ImageEnhance.Color(Image.composite(green, base, mask)).enhance(1 + seed % 7 / 30)


def run(
    runs: Path,
    verdicts: Iterable[Verdict | Failure],
    photo: str = "coffee.jpg",
    text: str = "make the cup green",
    policy: str = "accepted | rounds(5)",
    thoughts: Iterable[Thought | Failure] = (PLAN,),
    raw: str = "",
    **more: object,
) -> EditResult:
    agent = EditAgent(
        Told(verdicts, thoughts, raw), FunctionTool(tint, Card(reads_text=True, batch=0)), policy, runs=runs
    )
    return agent.edit(PHOTOS / photo, text, **more)  # type: ignore[arg-type]


def five_rounds(runs: Path, photo: str = "coffee.jpg", **more: object) -> EditResult:
    """A run of five rounds: refined, failed, rejected, refined, accepted."""
    return run(
        runs,
        [
            judged(Refine, 4.2, 8.3, 0.31),
            Failure(
                reason="malformed", message="The reply is no JSON.", hint="Use the json dialect.", raw="Sure! Here is"
            ),
            judged(Rejected, 3.0, 2.5, 0.08),
            judged(Refine, 6.8, 7.9, 0.55),
            judged(Accepted, 9.1, 8.8, 0.93),
        ],
        photo,
        seed=7,
        **more,
    )


REGION = Polygon(points=((180, 70), (420, 60), (440, 300), (160, 320)))
HOSTILE = (
    "<script>window.hacked=1</script><img src=x onerror=window.hacked=2> \"'><svg onload=window.hacked=3> "
    "{{ 7 * 7 }} </style></script></pre></details><style>body{display:none}</style> javascript:hacked "
    "\u202egnp.exe\u202c \u05d0\u05d1\u05d2 \u0627\u0644\u0643\u0648\u0628 \x1b[31m\x00 &amp; end"
)


def hostile(runs: Path) -> EditResult:
    """Everything that a person or a model can write is hostile."""
    step = EditStep(text=HOSTILE, region=Phrase(text=HOSTILE))
    plan = Thought(instruction=HOSTILE, steps=(step,), keep=(HOSTILE,), checklist=(HOSTILE,))
    answer = Answer(question=HOSTILE, yes=False, note=HOSTILE)
    marks = Scores(edit_success=3, over_editing=3, naturalness=3, artefacts=3)
    refine = Refine(scores=marks, answers=(answer,), critique=HOSTILE, steps=(step,))
    lost = Failure(reason="refused", message=HOSTILE, hint=HOSTILE, raw=HOSTILE)
    verdicts = [refine, lost, judged(Accepted, 9, 9)]
    return run(runs, verdicts, "flower.jpg", HOSTILE, thoughts=(plan,), raw=HOSTILE, title=HOSTILE[:60], seed=3)


def reviewed(runs: Path) -> None:
    """Runs that a person reviewed: what was said with 0.9 is good twice of three times, with 0.3 never."""
    for seed, (confidence, good) in enumerate([(0.9, True), (0.9, True), (0.9, False), (0.3, False)]):
        agent = EditAgent(
            Told([judged(Accepted, 8.5, 8, confidence)]), FunctionTool(tint), "accepted | rounds(1)", runs=runs
        )
        waiting = agent.edit(PHOTOS / "croissant.jpg", "toast it", review=True, seed=seed)
        agent.resume(waiting.run, "accept" if good else "reject")


def open_run(runs: Path) -> Path:
    """A run that is still going on, in the middle of its second round and of a line."""
    done = run(runs, [judged(Refine, 4, 8), judged(Accepted, 9, 9)], "castle.jpg", "brighter", seed=5).trace
    file = done / EVENTS
    lines = file.read_bytes().splitlines(keepends=True)
    second = next(n for n, line in enumerate(lines) if b'"type":"edited"' in line and b'"round":2' in line)
    file.write_bytes(b"".join(lines[:second]) + lines[second][:40])
    return done


def several(runs: Path) -> None:
    """One run of each kind."""
    five_rounds(runs)
    cannot = Failure(reason="unsupported", message="It cannot invent content.", hint="A diffusion model could.")
    run(runs, [], "kite.jpg", "add a dragon", thoughts=(cannot,), seed=1)
    hostile(runs)
    two = [judged(Refine, 5, 8), judged(Accepted, 9, 8, 0.9)]
    run(runs, two, "macaw.jpg", "bluer", seed=2, candidates=2)
    reviewed(runs)
    open_run(runs)
