"""Calibration, against scikit-learn and scipy asked directly, and against a truth that is known."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupShuffleSplit

from reasonedit_agent.analysis.calibration import _bounded, calibrate, upper_bound
from reasonedit_agent.analysis.labelled import Sample, samples
from reasonedit_agent.analysis.labels import add_label, read_labels
from reasonedit_agent.errors import UsageError
from reasonedit_agent.events import PersonAnswered, RunStarted
from reasonedit_agent.folding import fold
from reasonedit_agent.policies import parse_policy
from reasonedit_agent.policies.fitting import Calibration, read_fit
from reasonedit_agent.schemas import Accepted, Ask, HumanAnswer, Rejected, Stop
from tests.analysis.making import by_hand, picture, scores, write


def truth(said: float) -> float:
    """How often people accept what the judge is ``said`` sure of: an overconfident judge."""
    return said**3


def made(count: int, seed: int = 0, per_source: int = 2, top: float = 1) -> list[Sample]:
    rng = random.Random(seed)
    found = []
    for number in range(count):
        said = rng.random()
        accepted = rng.random() < truth(said)
        found.append(Sample(f"run{number}", f"source{number // per_source}", said * top, accepted))
    return found


def halves(found: list[Sample], seed: int = 0) -> tuple[list[Sample], list[Sample]]:
    groups = [sample.source for sample in found]
    splitter = GroupShuffleSplit(n_splits=1, test_size=0.5, random_state=seed)
    a, b = next(splitter.split(np.zeros(len(found)), groups=groups))
    return [found[i] for i in a], [found[i] for i in b]


def test_isotonic_is_scikit_learns() -> None:
    found = made(600)
    fit, held = halves(found)
    assert not {s.source for s in fit} & {s.source for s in held}
    result = calibrate(found, "confidence", method="isotonic")
    model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    model.fit([s.said for s in fit], [s.accepted for s in fit])
    places = np.linspace(-0.1, 1.1, 500)
    ours = [result.calibration.probability(float(x)) for x in places]
    assert np.allclose(ours, model.predict(places), atol=1e-12)
    assert (result.fitted, result.held_out) == (len(fit), len(held))


def test_platt_is_a_logistic_regression_on_platts_targets() -> None:
    found = made(600, top=10)
    fit, _ = halves(found)
    good, bad = sum(s.accepted for s in fit), sum(not s.accepted for s in fit)
    targets = [(good + 1) / (good + 2) if s.accepted else 1 / (bad + 2) for s in fit]
    x = np.array([[s.said] for s in fit] * 2)
    weights = [*targets, *(1 - t for t in targets)]
    model = LogisticRegression(C=1e9, tol=1e-8, max_iter=1000).fit(x, [1] * len(fit) + [0] * len(fit), weights)
    result = calibrate(found, "overall", method="platt")
    for place, probability in result.calibration.knots:
        assert probability == pytest.approx(model.predict_proba([[place]])[0, 1], abs=2e-3)


def test_the_diagram_and_the_error_are_of_held_out_labels() -> None:
    found = made(900, seed=3)
    _, held = halves(found)
    result = calibrate(found, "confidence")
    p = np.array([result.calibration.probability(s.said) for s in held])
    y = np.array([s.accepted for s in held])
    share, mean = calibration_curve(y, p, n_bins=10)
    assert np.allclose([b.accepted for b in result.bins], share)
    assert np.allclose([b.predicted for b in result.bins], mean)
    bins = np.minimum((p * 10).astype(int), 9)
    by_hand_ = sum(abs(y[bins == b].mean() - p[bins == b].mean()) * (bins == b).mean() for b in set(bins))
    assert result.ece == pytest.approx(by_hand_) and sum(b.count for b in result.bins) == len(held)
    assert result.ece < 0.06 < 0.15 < result.ece_before  # said**3 against said: 1/4 on average
    assert result.brier == pytest.approx(float(np.mean((p - y) ** 2)))
    for b in result.bins:
        bad = b.count - round(b.accepted * b.count)
        assert b.high == pytest.approx(1.0 if not bad else beta.ppf(0.975, b.count - bad + 1, bad))


def test_the_bound_is_clopper_and_pearsons() -> None:
    for bad, count, delta in ((0, 29, 0.05), (3, 80, 0.01), (7, 10, 0.1)):
        assert upper_bound(bad, count, delta) == pytest.approx(beta.ppf(1 - delta, bad + 1, count - bad))
    assert upper_bound(0, 29, 0.05) <= 0.1 < upper_bound(0, 28, 0.05)  # the rule of three, and `needed`
    assert _bounded(0.1, [0.9] * 28, [True] * 28, 0.05).needed == 29


def test_the_threshold_keeps_its_promise() -> None:
    """Over many sets of labels whose truth is known, a threshold is wrong at most as often as delta says."""
    wrong = found = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        said = rng.random(150)
        bound = _bounded(0.2, list(said), list(rng.random(150) < 0.6 + 0.4 * said), 0.1)
        if bound.threshold is not None:
            found += 1
            # Above t the share of bad ones is 0.4 * (1 - (1 + t) / 2) = 0.2 * (1 - t): at most 0.2 everywhere, so...
            wrong += 0.2 * (1 - bound.threshold) > 0.2
    assert found > 200 and wrong == 0
    wrong = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        said = rng.random(200)
        bound = _bounded(0.2, list(said), list(rng.random(200) < 0.3 + 0.7 * said), 0.1)
        # ... and here it is 0.35 * (1 - t): within 0.2 from t = 0.43 on.
        wrong += bound.threshold is not None and 0.35 * (1 - bound.threshold) > 0.2
    assert wrong / 400 <= 0.1


def test_one_label_per_source_counts_for_the_bound() -> None:
    found = made(400, per_source=8)
    by_source = calibrate(found, "confidence", per="source")
    assert by_source.bounded_on == by_source.sources[1] == 25
    assert calibrate(found, "confidence", per="label").bounded_on == by_source.held_out


def test_the_fit_is_what_confident_reads(tmp_path: Path) -> None:
    result = calibrate(made(3000, seed=5, per_source=1), "confidence", risks=(0.3, 0.5))
    thresholds = dict(result.calibration.risks)
    assert set(thresholds) == {0.3, 0.5} and thresholds[0.5] <= thresholds[0.3]
    file = tmp_path / "fit.json"
    file.write_text(
        json.dumps(
            {
                "calibration": {
                    "on": "confidence",
                    "knots": result.calibration.knots,
                    "risks": result.calibration.risks,
                    "labels": result.fitted,
                }
            }
        )
    )
    assert read_fit(Calibration, str(file)) == result.calibration
    policy = parse_policy(f"confident(0.1, risk=0.3, fit={file})")
    sure, unsure = (fold(by_hand("a", [Accepted(scores=scores(9, 9), confidence=c)])) for c in (1.0, 0.6))
    assert isinstance(policy.stop(sure), Stop) and isinstance(policy.stop(unsure), Ask)


def test_too_few_and_useless_labels() -> None:
    with pytest.raises(UsageError, match=r"too few labels: \d accepted and \d+ rejected"):
        calibrate(made(20), "confidence")
    with pytest.raises(UsageError, match="one source image"):
        calibrate(made(100, per_source=100), "confidence")
    backwards = [Sample(s.run, s.source, 1 - s.said, s.accepted) for s in made(400)]
    for method in ("isotonic", "platt"):
        with pytest.raises(UsageError, match="does not rise"):
            calibrate(backwards, "confidence", method=method)  # type: ignore[arg-type]
    few = calibrate(made(80, seed=1), "confidence", risks=(0.01,))
    assert few.risks[0].threshold is None and few.risks[0].needed == 299 and few.calibration.risks == ()


# -- from runs --------------------------------------------------------------------------------------------------------


def run(folder: Path, name: str, confidences: list[float | None], source: int, **changed: Any) -> None:
    verdicts = [Accepted(scores=scores(8, 9, 7, 7), confidence=c) for c in confidences]
    first, *rest = by_hand(name, verdicts)
    assert isinstance(first, RunStarted)
    request = first.request.model_copy(update={"image": picture(source)})
    write(folder / name, [first.model_copy(update={"request": request, **changed}), *rest])


def test_pictures_and_what_people_said(tmp_path: Path) -> None:
    run(tmp_path, "a", [0.9, 0.4], 101)
    run(tmp_path, "b", [0.7, None], 102)
    said = [("a", 1, "accept", "x"), ("a", 1, "reject", "y"), ("a", 1, "accept", "z"), ("a", 2, "accept", "x")]
    said += [("a", 2, "reject", "y"), ("b", 1, "reject", "x"), ("b", 2, "accept", "x")]
    for name, number, label, who in said:
        add_label(tmp_path, run=name, round=number, label=label, annotator=who)
    found = samples(read_labels(tmp_path), tmp_path)
    assert [(s.run, s.said, s.accepted) for s in found.samples] == [("a", 0.9, True), ("b", 0.7, False)]
    assert (found.on, found.judge) == ("confidence", "judge 1") and len(found.left_out) == 2
    assert [s.source for s in found.samples] == [picture(101).sha256, picture(102).sha256]
    by_score = samples(read_labels(tmp_path), tmp_path, on="overall", only={"b"})
    assert [s.said for s in by_score.samples] == [pytest.approx((8 * 7) ** 0.5)] * 2
    run(tmp_path, "c", [None], 103)
    add_label(tmp_path, run="c", round=1, label="accept")
    assert samples(read_labels(tmp_path), tmp_path, only={"c"}).on == "overall"


def test_a_persons_rejection_is_not_the_judges(tmp_path: Path) -> None:
    run(tmp_path, "a", [0.9], 101)
    events = (tmp_path / "a" / "events.jsonl").read_text().splitlines(keepends=True)
    answer = PersonAnswered(node="review", round=1, answer=HumanAnswer(node="review", after=1, kind="reject"))
    (tmp_path / "a" / "events.jsonl").write_text("".join([*events[:-2], answer.model_dump_json() + "\n", *events[-2:]]))
    add_label(tmp_path, run="a", round=1, label="accept")
    assert samples(read_labels(tmp_path), tmp_path).samples[0].said == 0.9


def test_a_forks_first_rounds_are_its_parents(tmp_path: Path) -> None:
    from reasonedit_agent.events import PartInfo

    run(tmp_path, "a", [0.9, 0.2], 101)
    run(tmp_path, "b", [0.9, 0.6], 101, parent="a", parent_round=1, reasoner=PartInfo(name="other"))
    for name in ("a", "b"):
        add_label(tmp_path, run=name, round=1, label="accept", annotator=name)
    found = samples(read_labels(tmp_path), tmp_path)
    assert [(s.run, s.said) for s in found.samples] == [("a", 0.9)] and found.judge == "judge 1"
    add_label(tmp_path, run="b", round=2, label="reject")
    with pytest.raises(UsageError, match=r"of 2 judges: judge 1 \(1\), other \(1\)"):
        samples(read_labels(tmp_path), tmp_path)
    assert [s.said for s in samples(read_labels(tmp_path), tmp_path, judge="other").samples] == [0.6]
    with pytest.raises(UsageError, match=r"judged by 'nobody'"):
        samples(read_labels(tmp_path), tmp_path, judge="nobody")


def test_guidelines_and_runs_that_are_gone(tmp_path: Path) -> None:
    import shutil

    for number, name in enumerate("abc"):
        run(tmp_path, name, [0.5], number)
        add_label(tmp_path, run=name, round=1, label="accept", guideline="v1" if name == "a" else "v2")
    shutil.rmtree(tmp_path / "c")
    found = samples(read_labels(tmp_path), tmp_path)
    assert len(found.samples) == 2
    assert any("label of c 1.0 is left out" in line for line in found.left_out)
    assert any("'v1', 'v2'" in line for line in found.left_out)
    assert [s.run for s in samples(read_labels(tmp_path), tmp_path, guideline="v1").samples] == ["a"]
    with pytest.raises(UsageError, match="no labels"):
        samples(read_labels(tmp_path), tmp_path, guideline="v3")


def test_a_rejected_verdict_has_a_confidence_too() -> None:
    assert Rejected(scores=scores(1, 1), confidence=0.1, critique="no").confidence == 0.1
