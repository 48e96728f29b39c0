"""Where tokens are: positions for the vision-language model, and for the transformer's rotary embedding.

A position of the transformer is ``(axis 0, row, column)``; a unit is one token of the packed latent, 16 pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

__all__ = ["grid_positions", "qwen_positions", "text_positions", "vision_coordinates"]

_LATENT_UNIT = 16  # pixels
_VISION_UNIT = 28  # pixels of the picture that the text encoder sees
# Between the middle of a vision token and the middle of a latent token, as in training (a half of 16 would be 7.5).
_LATENT_MIDDLE = 11.0


def qwen_positions(ids: Sequence[int], image_pad: int, grid: tuple[int, int]) -> torch.Tensor:
    """Return the three-axis positions of Qwen2.5-VL for a text with one picture.

    Token id 0 counts as padding in the released pipelines, although it is ``!`` in the vocabulary: it takes no
    position of its own and stands at 1 on all axes.

    Args:
        ids: Of the whole chat.
        image_pad: The id of the picture's tokens.
        grid: Rows and columns of the picture's tokens.

    Returns:
        ``(3, 1, tokens)``, int64.
    """
    rows, columns = grid
    places: list[tuple[int, int, int]] = []
    at = seen = 0
    for token in ids:
        if token == 0:
            places.append((1, 1, 1))
        elif token == image_pad:
            row, column = divmod(seen, columns)
            places.append((at, at + row, at + column))
            seen += 1
            at += max(rows, columns) if seen == rows * columns else 0
        else:
            places.append((at, at, at))
            at += 1
    return torch.tensor(places, dtype=torch.long).T.unsqueeze(1)


def grid_positions(rows: int, columns: int, *, axis0: int = 0, shift: int = 0) -> torch.Tensor:
    """Return the positions of the tokens of a packed latent, row by row.

    Args:
        rows: Of tokens.
        columns: Of tokens.
        axis0: 0 for noise, 1 for the reference.
        shift: Added to rows and columns.

    Returns:
        ``(rows * columns, 3)``, float32.
    """
    places = torch.zeros(rows, columns, 3)
    places[..., 0] = axis0
    places[..., 1] = torch.arange(rows)[:, None] + shift
    places[..., 2] = torch.arange(columns) + shift
    return places.reshape(-1, 3)


def vision_coordinates(count: int, pixels: int) -> torch.Tensor:
    """Return where vision tokens lie along one side of the reference latent.

    Args:
        count: Tokens along that side.
        pixels: Length of that side of the picture.

    Returns:
        ``(count,)``, float32; fractional, and negative at the edge.
    """
    # Pixels of the picture to vision tokens, then back and on to latent tokens: in float32 and in this order, as in
    # training. In exact numbers the far edge of a large picture would differ by 1e-5.
    stretch = torch.tensor((_VISION_UNIT * count - 1) / (pixels - 1)) * torch.tensor(1 / _VISION_UNIT)
    middle = torch.tensor((_VISION_UNIT - 1) / 2) * torch.tensor(1 / _VISION_UNIT)
    step, start = 1 / stretch, middle * (1 / stretch)
    return torch.arange(count) * (step / _LATENT_UNIT) + (start / _LATENT_UNIT - _LATENT_MIDDLE / _LATENT_UNIT)


def text_positions(
    times: torch.Tensor, vision: torch.Tensor, grid: tuple[int, int], size: tuple[int, int]
) -> torch.Tensor:
    """Return the positions of text and vision tokens for v1p2: time runs up to -1, vision lies on the reference.

    Args:
        times: ``(tokens,)``, the first axis of `qwen_positions`.
        vision: ``(tokens,)``, true for the picture's tokens.
        grid: Rows and columns of these.
        size: Width and height of the picture in pixels.

    Returns:
        ``(tokens, 3)``, float32.
    """
    places = torch.zeros(len(times), 3)
    places[:, 0] = times - (times.max() + 1)
    rows, columns = vision_coordinates(grid[0], size[1]), vision_coordinates(grid[1], size[0])
    places[vision, 1] = rows.repeat_interleave(grid[1])
    places[vision, 2] = columns.repeat(grid[0])
    return places
