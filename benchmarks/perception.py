"""Times and peak memory of each part of perception on a one-megapixel photo: ``python benchmarks/perception.py``."""

import resource
import sys
import time
from collections.abc import Callable

import cv2
import numpy as np
from skimage import data

from reasonedit_agent.perception.detector import detect
from reasonedit_agent.perception.embedding import embed
from reasonedit_agent.perception.faces import find_faces
from reasonedit_agent.perception.locate import Scene
from reasonedit_agent.perception.measures import region_change
from reasonedit_agent.perception.saliency import saliency
from reasonedit_agent.perception.sky import find_sky
from reasonedit_agent.perception.text import read_text


def main(repeats: int = 3) -> None:
    photo = np.asarray(cv2.resize(data.coffee(), (1224, 816), interpolation=cv2.INTER_CUBIC), np.uint8)
    mask = np.zeros(photo.shape[:2], np.float32)
    mask[200:600, 300:800] = 1
    parts: dict[str, Callable[[], object]] = {
        "saliency": lambda: saliency(photo),
        "detect": lambda: detect(photo),
        "faces": lambda: find_faces(photo),
        "sky": lambda: find_sky(photo),
        "text": lambda: read_text(photo),
        "find cup (new scene)": lambda: Scene(photo).find("cup"),
        "find background (new scene)": lambda: Scene(photo).find("background"),
        "region_change": lambda: region_change(photo, photo, mask),
        "embed 8 sentences": lambda: embed(
            [f"make the cup number {time.perf_counter_ns() + k} green" for k in range(8)]
        ),
    }
    print(f"{'part':30} {'first s':>8} {'median s':>9}")
    for name, part in parts.items():
        seconds = []
        for _ in range(1 + repeats):
            start = time.perf_counter()
            part()
            seconds.append(time.perf_counter() - start)
        print(f"{name:30} {seconds[0]:8.2f} {float(np.median(seconds[1:])):9.2f}")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main(*(int(value) for value in sys.argv[1:]))
