"""Random legal histories: every base was made before, every round followed a decision to go on."""

from typing import Any

from hypothesis import strategies as st

from reasonedit_agent.operations import Crop
from reasonedit_agent.policies import parse_policy
from reasonedit_agent.schemas import (
    SOURCE,
    Accepted,
    Answer,
    Candidate,
    Comparison,
    Continue,
    Decision,
    EditCall,
    EditRequest,
    EditStep,
    Failure,
    History,
    HumanAnswer,
    ImageRef,
    Pick,
    Preference,
    Refine,
    Rejected,
    Round,
    Scores,
    Thought,
    Usage,
)

KEEPS = ["reference", "best", "last", "harmless"]
NEXTS = [
    "rollback",
    "source",
    "previous",
    "reanchored",
    "reanchored(drift=2)",
    "draft_then_final",
    "draft_then_final(previous)",
]
CALIBRATED = 'calibration(knots="0:0.02 0.5:0.3 1:0.98", risks="0.1:0.8 0.3:0.5", labels=90)'
GAINS = 'gains(first="2 4 6 8", refine="5 6 9", rejected="1 5 7", seconds=4, usd=0.02)'
COSTS = "costs(seconds=9.5, usd=0.03, prompt_tokens=800)"

amounts = st.floats(0, 200, allow_subnormal=False)
atoms = st.one_of(
    st.sampled_from(["accepted", "checklist_done", "unchanged_instruction", "no_improvement"]),
    st.integers(0, 9).map(lambda n: f"rounds({n})"),
    st.integers(1, 3).map(lambda n: f"no_improvement({n})"),
    amounts.map(lambda s: f"budget({s!r})"),
    st.tuples(st.sampled_from(["gpu_seconds", "prompt_tokens", "completion_tokens", "usd", "edits"]), amounts).map(
        lambda pair: f"budget(seconds=900, {pair[0]}={pair[1]!r}, fit={COSTS})"
    ),
    st.floats(0, 10).map(lambda s: f"score_at_least({s!r})"),
    st.floats(0, 10).map(lambda s: f"score_at_least(edit_success={s!r}, artefacts=5)"),
    st.floats(0, 30).map(lambda s: f"drift({s!r})"),
    st.floats(0, 1).map(lambda p: f"confident({p!r})"),
    st.floats(0, 1).map(lambda p: f"confident({p!r}, risk=0.1)"),
    st.floats(0, 1).map(lambda p: f"confident({p!r}, risk=0.2, fit={CALIBRATED})"),
    st.floats(0.01, 99).map(lambda s: f"expected_gain(seconds={s!r}, usd=0.5, fit={GAINS})"),
)
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} | {pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) & ({pair[1]})"),
        inner.map(lambda text: f"not ({text})"),
    ),
    max_leaves=6,
)
policies = st.one_of(
    st.tuples(expressions, st.sampled_from(KEEPS), st.sampled_from(NEXTS)).map(
        lambda parts: f"{parts[0]}; keep={parts[1]}; next={parts[2]}"
    ),
    st.sampled_from(["reasonedit", "editthinker", "single", "reasonedit(5) | budget(60)", "editthinker; keep=best"]),
)

steps = st.lists(
    st.one_of(
        st.sampled_from(["plan", "more of it", "Use a black background", ""]).map(lambda text: EditStep(text=text)),
        st.just(EditStep(text="crop", operation=Crop(ratio=(4, 3)))),
    ),
    min_size=1,
    max_size=2,
).map(tuple)
points = st.integers(0, 20).map(lambda n: n / 2)
said: dict[str, Any] = {
    "scores": st.builds(Scores, edit_success=points, over_editing=points, naturalness=points, artefacts=points),
    "answers": st.lists(
        st.builds(Answer, question=st.just("done?"), yes=st.sampled_from([True, False, None])), max_size=2
    ).map(tuple),
    "confidence": st.one_of(st.none(), st.floats(0, 1)),
}
failures = st.builds(Failure, reason=st.sampled_from(["lost", "timed_out", "malformed"]), message=st.just("no"))
verdicts = st.one_of(
    st.builds(Accepted, **said),
    st.builds(Refine, steps=steps, **said),
    st.builds(Rejected, steps=st.one_of(st.none(), steps), **said),
    failures,
)
counts = st.one_of(st.none(), st.integers(0, 900))
usages = st.builds(
    Usage,
    seconds=st.one_of(st.none(), st.floats(0, 30)),
    gpu_seconds=st.one_of(st.none(), st.floats(0, 30)),
    prompt_tokens=counts,
    completion_tokens=counts,
    usd=st.one_of(st.none(), st.floats(0, 0.2)),
)
measures = st.one_of(
    st.just({}),
    st.floats(0, 6).map(lambda d: {"drift_outside": d}),
    st.floats(0, 6).map(lambda d: {"drift_outside": d, "pasted_back": 1.0}),
)


def ref(number: int) -> ImageRef:
    return ImageRef(sha256=f"{number:064x}", width=8, height=8, media_type="image/png")


@st.composite
def histories(draw: st.DrawFn, least: int = 0, most: int = 5, shadows: bool = True) -> History:
    request = EditRequest(
        image=ref(0), instruction="i", seed=draw(st.integers(0, 99)), candidates=draw(st.integers(1, 3))
    )
    thought = Thought(instruction="plan", steps=draw(steps), checklist=draw(st.sampled_from([(), ("done?",)])))
    history = History(request=request, thought=thought)
    following = parse_policy(f"accepted; next={draw(st.sampled_from(NEXTS))}")
    for index in range(1, draw(st.integers(least, most)) + 1):
        go = following.next(history).model_copy(update={"quality": draw(st.sampled_from(["draft", "final"]))})
        who = draw(st.sampled_from(["policy", "person"]))
        decision = Decision(after=index - 1, author=who, action=go, keep=SOURCE)
        history = history.model_copy(update={"decisions": (*history.decisions, decision)})
        round_ = draw(rounds(history, go, index, shadows))
        person = draw(st.sampled_from([None, None, None, "accept", "reject", "advice"]))
        human = () if person is None else (HumanAnswer(node="review", after=index, kind=person, text="so"),)
        usage = round_.usage
        history = history.model_copy(
            update={
                "rounds": (*history.rounds, round_),
                "spent": history.spent.plus(usage),
                "unpriced": history.unpriced + (usage.usd is None and usage != Usage()),
                "elapsed": history.elapsed + round_.seconds,
                "human": (*history.human, *human),
            }
        )
    return history


@st.composite
def rounds(draw: st.DrawFn, history: History, go: Continue, index: int, shadows: bool) -> Round:
    call = EditCall(
        base=history.candidate(go.base), instruction=go.instruction, steps=go.steps, seeds=go.seeds, quality=go.quality
    )
    count = len(go.seeds)
    if draw(st.integers(0, 5)) == 0:
        failed = (draw(failures),) * count
        return Round(index=index, call=call, candidates=failed, verdicts=failed, seconds=draw(st.floats(0, 9)))
    made = tuple(
        Candidate.of(ref(draw(st.integers(0, 3)) if draw(st.integers(0, 4)) == 0 else index * 10 + number)).model_copy(
            update={"measures": draw(measures)}
        )
        for number in range(count)
    )
    places = [SOURCE] + [
        Pick(round=r.index, candidate=n)
        for r in history.rounds
        for n, found in enumerate(r.candidates)
        if isinstance(found, Candidate)
    ]
    results = st.one_of(st.builds(Preference, better=st.sampled_from(["a", "b", "tie"])), failures)
    compared = tuple(
        Comparison(incumbent=draw(st.sampled_from(places)), candidate=number, result=draw(results))
        for number in range(count)
        if draw(st.booleans())
    )
    return Round(
        index=index,
        call=call,
        candidates=made,
        verdicts=tuple(draw(verdicts) for _ in range(count)),
        comparisons=compared,
        shadow=shadows and draw(st.integers(0, 6)) == 0,
        seconds=draw(st.floats(0, 9)),
        usage=draw(usages),
    )
