"""Small pictures in a terminal: what is written is decoded back to pixels, by readers of the protocols that are ours."""

import base64
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reasonedit_agent.images import FolderStore
from reasonedit_agent.tracing import read_events
from reasonedit_agent.viewer.telling import tell

pty = pytest.importorskip("pty", reason="a pseudo-terminal is what is tested")
SCRIPT = str(Path(sys.executable).with_name("reasonedit"))
COLUMNS, ROWS, CELL = 120, 50, (8, 16)
WIDE, HIGH = 24, 8
"""Of a picture of three to two, in cells."""

Answer = tuple[bytes, Callable[[re.Match[bytes]], bytes]]
SIXEL: Answer = (rb"\x1b\[c", lambda asked: b"\x1b[?62;4c")
NO_SIXEL: Answer = (rb"\x1b\[c", lambda asked: b"\x1b[?62c")
KITTY: Answer = (rb"\x1b_Gi=(\d+)[^\x1b]*a=q[^\x1b]*\x1b\\", lambda asked: b"\x1b_Gi=" + asked[1] + b";OK\x1b\\")


def shown(run: Path, answers: Sequence[Answer] = (), **env: str) -> str:
    """Return what `trace show` writes to a terminal that answers so."""
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    size = struct.pack("HHHH", ROWS, COLUMNS, COLUMNS * CELL[0], ROWS * CELL[1])
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
    clean = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLORTERM")}
    process = subprocess.Popen(
        [SCRIPT, "trace", "show", str(run)],
        env={**clean, "TERM": "xterm-256color", "COLORTERM": "truecolor", **env},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    told, answered = b"", 0
    while True:
        try:
            told += os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        for asks, reply in answers:
            if found := re.search(asks, told[answered:]):
                answered += found.end()
                os.write(ours, reply(found))
    os.close(ours)
    assert process.wait() == 0
    return told.decode()


def pictures(run: Path) -> list[Image.Image]:
    """The source and the candidates, as large as the terminal shows them."""
    store = FolderStore(run.parent / "images")
    size = WIDE * CELL[0], HIGH * CELL[1]
    return [
        store.open(ref).convert("RGB").resize(size, Image.Resampling.LANCZOS) for ref in tell(read_events(run)).images
    ]


def error(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of two pictures, 0 to 255."""
    assert one.size == other.size
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean())


def cells(run: int, first: int) -> list[tuple[int, int]]:
    """The places of so many pictures, four in a row, from a line on; each row of them has its names beneath."""
    return [(first + number // 4 * (HIGH + 2), number % 4 * (WIDE + 2)) for number in range(run)]


# -- Sixel: https://vt100.net/docs/vt3xx-gp/chapter14.html ---------------------------------------------------------------


def sixel(data: str) -> Image.Image:
    """Draw what a sixel sequence says."""
    raster = re.match(r'[\d;]*q"\d+;\d+;(\d+);(\d+)', data)
    assert raster
    width, height = int(raster[1]), int(raster[2])
    canvas = np.zeros((-(-height // 6) * 6, width, 3), np.uint8)
    palette: dict[int, tuple[int, ...]] = {}
    colour, x, y = 0, 0, 0
    for token in re.finditer(r"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)([?-~])|([?-~])|([$-])", data[raster.end() :]):
        name, red, green, blue, count, repeated, single, move = token.groups()
        if name:
            colour = int(name)
            if red:
                palette[colour] = tuple(round(int(part) * 2.55) for part in (red, green, blue))
        elif move:
            x, y = 0, y + 6 * (move == "-")
        else:
            times, bits = int(count or 1), ord(repeated or single) - 63
            for bit in range(6):
                if bits >> bit & 1:
                    canvas[y + bit, x : x + times] = palette[colour]
            x += times
    return Image.fromarray(canvas[:height])


def drawn(text: str) -> list[tuple[tuple[int, int], Image.Image]]:
    """Follow the cursor, and return the sixel pictures with the row and column where each begins."""
    row = column = 0
    saved, found = (0, 0), []
    for token in re.finditer(r"\x1bP(.*?)\x1b\\|\x1b([78])|\x1b\[(\d*)([A-Za-z])|\r|\n|[^\x1b\r\n]+", text, re.DOTALL):
        whole, picture, save, count, move = token.group(), *token.groups()
        if picture:
            found.append(((row, column), sixel(picture)))
        elif save:
            if save == "7":
                saved = row, column
            else:
                row, column = saved
        elif move:
            steps = int(count or 1)
            row += {"A": -steps, "B": steps}.get(move, 0)
            column += {"D": -steps, "C": steps}.get(move, 0)
        elif whole == "\r":
            column = 0
        elif whole == "\n":
            row += 1
        else:
            column += len(whole)
    return found


def test_sixel_is_the_pictures_where_they_should_be(five: Path) -> None:
    text, wanted = shown(five, [SIXEL]), pictures(five)
    found = drawn(text)
    assert len(found) == len(wanted) == 6
    first = found[0][0][0]
    assert [column for (_, column), _ in found] == [column for _, column in cells(6, first)]
    assert len({row for (row, _), _ in found}) == 2
    for index, (_, picture) in enumerate(found):
        errors = [error(picture, other) for other in wanted]
        assert errors[index] < 8 and errors.index(min(errors)) == index  # of 256 colours
    assert "▀" not in text and "\x1b_G" not in text


# -- Kitty: https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders ---------------------------------------


def test_kitty_is_the_pictures_where_they_should_be(five: Path) -> None:
    text, wanted = shown(five, [NO_SIXEL, KITTY]), pictures(five)
    data: dict[int, str] = {}
    placed: dict[int, dict[str, str]] = {}
    for head, payload in re.findall(r"\x1b_G([^;\x1b]*);?([^\x1b]*)\x1b\\", text):
        keys = dict(pair.split("=") for pair in head.split(","))
        if keys.get("a") == "p":
            placed[int(keys["i"])] = keys
        elif keys.get("a") != "q":
            assert keys["f"] == "100" and len(payload) <= 4096 and keys["q"] == "2"  # the terminal is to say nothing
            data[int(keys["i"])] = data.get(int(keys["i"]), "") + payload
    assert list(data) == list(placed) and len(data) == len(wanted) == 6
    for (name, coded), picture in zip(data.items(), wanted, strict=True):
        assert (placed[name]["c"], placed[name]["r"], placed[name]["U"]) == (str(WIDE), str(HIGH), "1")
        assert error(Image.open(io.BytesIO(base64.b64decode(coded))).convert("RGB"), picture) < 3
    # A cell holds a placeholder with marks of its row, its column and the id's first byte; its colour is the rest.
    lines = [
        line for line in re.sub(r"\x1b_G.*?\x1b\\", "", text, flags=re.DOTALL).split("\r\n") if "\U0010eeee" in line
    ]
    assert len(lines) == 2 * HIGH
    marks = ["\u0305", "\u030d", "\u030e"]
    for number, name in enumerate(data):
        top = lines[number // 4 * HIGH : (number // 4 + 1) * HIGH]
        colour = f"38;2;{name >> 16 & 255};{name >> 8 & 255};{name & 255}m"
        for row in range(2):
            start = top[row].split(colour)[1]
            assert start.startswith("\U0010eeee" + marks[row] + marks[0])
            assert start[4:].startswith("\U0010eeee" + marks[row] + marks[1])
            assert start.split("\x1b")[0].count("\U0010eeee") == WIDE
    assert "▀" not in text and "\x1bP" not in text


# -- neither --------------------------------------------------------------------------------------------------------------


def test_half_blocks_are_the_colours_of_the_pictures(five: Path) -> None:
    text = shown(five, [NO_SIXEL])
    pairs = re.findall(r"38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m▀", text)
    assert len(pairs) > 6 * WIDE * HIGH / 2
    mean = np.asarray(pairs, float).reshape(-1, 3).mean(axis=0)
    whole = np.mean([np.asarray(picture, float).reshape(-1, 3).mean(axis=0) for picture in pictures(five)], axis=0)
    assert np.abs(mean - whole).max() < 12
    assert "\x1bP" not in text and "\U0010eeee" not in text


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_a_terminal_without_colours_gets_text(five: Path, env: dict[str, str]) -> None:
    text = shown(five, [SIXEL, KITTY], **env)
    assert "5.0" in text and not any(mark in text for mark in ("▀", "\x1bP", "\x1b_G", "\U0010eeee"))


@pytest.mark.parametrize("env", [{}, {"TERM": "xterm-kitty", "COLORTERM": "truecolor"}], ids=str)
def test_what_is_no_terminal_gets_text(five: Path, tmp_path: Path, env: dict[str, str]) -> None:
    piped = subprocess.run(
        [SCRIPT, "trace", "show", str(five)], capture_output=True, text=True, check=True, env=os.environ | env
    ).stdout
    with (tmp_path / "out.txt").open("w") as file:
        subprocess.run([SCRIPT, "trace", "show", str(five)], stdout=file, check=True, env=os.environ | env)
    for text in (piped, (tmp_path / "out.txt").read_text()):
        assert "5.0" in text and not any(mark in text for mark in ("\x1b", "▀", "\U0010eeee"))
