"""What people say when they use none of the known words: sentences, and the known instruction that means the same.

``{}`` stands for the thing that the user names. `NEW` marks what needs new content; an empty instruction what is too
vague to be one, or is no edit. Nearness is that of sentence embeddings: a sentence need not be met word for word.
"""

__all__ = ["FLOOR", "MARGIN", "NEW", "PROTOTYPES"]

FLOOR = 0.60
"""Least cosine similarity. On 50 sentences tried by hand, all-MiniLM-L6-v2 let no wrong one pass with these two."""

MARGIN = 0.10
"""Least distance to the best sentence of another meaning; less is a tie, and a tie is not understood."""

NEW = "(new content)"
"""The meaning of what only a generative model can do."""

PROTOTYPES: tuple[tuple[str, str], ...] = (
    ("it needs more light", "brighten {}"),
    ("lift the shadows so I can see more", "brighten {}"),
    ("put more daylight on it", "brighten {}"),
    ("make it less glaring", "darken {}"),
    ("turn the lights off a bit", "darken {}"),
    ("give it more life", "more vivid {}"),
    ("jazz up the colours", "more vivid {}"),
    ("make it look more lively and fresh", "more vivid {}"),
    ("calm the colours down", "less vivid {}"),
    ("give it more punch", "more contrast in {}"),
    ("give it more depth", "more contrast in {}"),
    ("make it look like a summer holiday with warm light", "warmer {}"),
    ("give it a sunny feeling", "warmer {}"),
    ("make it feel chilly and blue", "cooler {}"),
    ("I want to see every hair", "sharpen {}"),
    ("bring it into focus", "sharpen {}"),
    ("make the background disappear in the blur", "blur the background"),
    ("separate the subject from what is behind", "blur the background"),
    ("make it look like grandma's album", "sepia {}"),
    ("classic film look without colour", "black and white {}"),
    ("make that thing vanish", "remove {}"),
    ("I do not want to see it any more", "remove {}"),
    ("nobody should recognise the person", "blur the face"),
    ("protect the privacy of the people", "blur the face"),
    ("I need it for a profile picture", "crop to square"),
    ("show only the main thing without its surroundings", "cut out the subject"),
    ("turn it the other way round", "mirror it"),
    ("make it look like a drawing", "turn {} into a pencil drawing"),
    ("make it look as if an artist painted it", "turn {} into a painting"),
    ("draw attention to the centre by darkening the border", "add a vignette"),
    ("make more pixels so that I can print it large", "upscale 2x"),
    ("make the file smaller for e-mail", "resize to 50%"),
    ("there is too much light", "darken {}"),
    ("I can hardly see anything", "brighten {}"),
    ("make the image better", ""),
    ("make it look professional", ""),
    ("make it look expensive", ""),
    ("make me look good", ""),
    ("do something about the colours", ""),
    ("make it look like another place", ""),
    ("the whites look wrong", ""),
    ("invert the colours", ""),
    ("put a frame around it", ""),
    ("put something new in the picture", NEW),
    ("add an animal next to it", NEW),
    ("give the person other clothes", NEW),
    ("give her sunglasses", NEW),
    ("change the weather", NEW),
    ("make it snow", NEW),
    ("change what they are doing", NEW),
    ("make her look at me", NEW),
    ("make the person smile", NEW),
    ("place it in Paris in front of the Eiffel tower", NEW),
    ("turn it into something else", NEW),
    ("make it look like a video game", NEW),
    ("show the back side of it", NEW),
    ("continue the picture beyond its edges", NEW),
    ("make the person younger and slimmer", NEW),
    ("open the window", NEW),
    ("turn on the lamp", NEW),
    ("give him a beard", NEW),
    ("fill the glass with water", NEW),
    ("tell me what is in this picture", ""),
    ("write a poem about it", ""),
)
