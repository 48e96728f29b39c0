"""The plan, as a person changes it before it runs."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from reasonedit_agent.errors import UsageError
from reasonedit_agent.schemas import Box, EditStep, Mask, Phrase, Polygon, Thought

__all__ = ["changed", "choices"]


def choices(plan: Thought | None) -> list[tuple[str, int]]:
    """Return the steps with their places in the plan, as they are ticked."""
    return [(_words(step), index) for index, step in enumerate(plan.steps)] if plan else []


def _words(step: EditStep) -> str:
    where = step.region
    if isinstance(where, Phrase):
        place = f" ({where.text})"
    elif isinstance(where, Mask):
        place = f" ({where.label})" if where.label else " (the place drawn)"
    else:
        place = " (the place drawn)" if isinstance(where, Box | Polygon) else ""
    text = step.text or (step.operation.op if step.operation else "a step")
    return text if place.strip(" ()").lower() in text.lower() else text + place


def changed(plan: Thought, ticked: Sequence[int], text: str) -> Thought | None:
    """Return the plan as it was changed, or None where it was not.

    Args:
        plan: As the Reasoner made it.
        ticked: Places of the steps that are wanted.
        text: The whole plan as JSON.

    Raises:
        UsageError: No step is left, or the JSON is no plan.
    """
    try:
        written = Thought.model_validate_json(text) if text.strip() else plan
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "its start"
        raise UsageError(f"The plan has an error at {where}: {first['msg']}.") from error
    left = [step for index, step in enumerate(plan.steps) if index in ticked]
    if not left:
        raise UsageError("No step of the plan is ticked.", hint="Tick one, or reject the plan.")
    if len(left) < len(plan.steps):
        if written != plan:
            raise UsageError("The plan was changed in two ways.", hint="Tick all steps to take the JSON as it is.")
        count, asked = len(plan.steps), plan.checklist
        if len(asked) == count + len(plan.keep):
            # One question for each step, in their order, then one for each thing that must stay. Of another list
            # nobody can tell which question is whose: it is left whole.
            asked = tuple(text for index, text in enumerate(asked) if index >= count or index in ticked)
        words = "; ".join(step.text for step in left)
        written = plan.model_copy(
            update={"steps": tuple(left), "instruction": words, "checklist": asked, "changed": True}
        )
    return None if written == plan else written
