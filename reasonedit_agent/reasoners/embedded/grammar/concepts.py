"""What the keys of the word lists mean, why some things cannot be done, and all default amounts.

A key is ``kind:value``. ``do`` an effect or a verb; ``dir`` more or less; ``adj`` a wish ("brighter"), ``state`` a
condition ("dark") that is a wish after "make" and a complaint after "it is" or "too"; ``prop`` the name of a property;
``strength`` a factor on the default amount; ``more`` a colour that is asked for more of; ``mult``, ``num``, ``unit``,
``dim``, ``size`` quantities; ``place``, ``turn``, ``axis``, ``ratio``, ``shade``, ``style``, ``fill`` arguments;
``keep``, ``neg``, ``except``, ``only``, ``rest`` what stays; ``all``, ``it``, ``noun``, ``pronoun`` targets;
``complain`` marks a complaint or a lack; ``verb`` and ``particle`` are the halves of "take off"; ``mark``, ``link``,
``det``, ``prep``, ``conj``, ``ignore`` glue; ``new`` what needs a generative model.
"""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["BACKEND", "DEFAULTS", "REASONS"]

DEFAULTS = MappingProxyType(
    {
        "brightness": 0.20,  # share of the mean L*
        "contrast": 0.25,  # share of the standard deviation of L*
        "saturation": 0.30,  # share of the mean chroma
        "warmth": 0.20,  # units of 50 b*
        "dark": 48.0,  # mean L*: where it is lower, "brighter" without a number is a share of this: about 10 L*
        "exposure": 0.70,  # EV
        "sharpen": 1.0,  # unsharp amount
        "blur": 0.012,  # sigma as a share of the short side
        "vignette": 0.6,  # light that the corners lose
        "crop_margin": 0.08,  # share of the subject's size
        "thumbnail": 256,  # pixels of the long side
        "text_small": 0.04,  # letter height as a share of the short side
        "text_big": 0.12,
        "text_huge": 0.20,
        "resize_smaller": 0.5,
        "resize_bigger": 2.0,
    }
)
"""Amounts of an instruction that names none; strength words multiply them."""

BACKEND = "an instruction-editing diffusion model as the tool"
"""The kind of backend that can do what the ``new`` concepts ask for."""

REASONS = MappingProxyType(
    {
        "season": "changing the season or the weather needs new content",
        "time": "changing the time of day needs new content and new light",
        "pose": "changing a pose or an expression needs new content",
        "posed": "changing a pose or an expression needs new content",
        "age": "changing how a person looks needs new content",
        "material": "changing what something is made of needs new content",
        "artist": "the style of a named artist or medium needs a generative model",
        "extend": "extending the picture needs new content",
        "move": "moving things needs new content where they were and where they go",
        "restore": "restoring, colouring or relighting a photo needs a trained model",
        "angle": "another camera angle needs new content",
        "video": "a moving picture is not an image edit",
        "generate": "making new content needs a generative model",
        "add": "adding things needs new content",
        "swap": "replacing one thing with another needs new content",
        "scene": "a new scene as background needs new content; a colour, a gradient or a reference photo would do",
        "count": "things are not told apart by counting; say which one by its place, its size or its colour",
        "correction": "it is not clear which of the wishes before is corrected; say only what you want in the end",
        "wording": "the words to write are not given; put them in quotes",
        "text": "rewriting text that is in the picture needs new content",
        "object_size": "changing the size of a thing in the picture needs new content",
        "reference": "there is no reference photo to take it from",
        "geometry": "moving or turning a part of the picture needs new content",
    }
)
"""Why, by the value of ``new`` and by what the patterns find out."""
