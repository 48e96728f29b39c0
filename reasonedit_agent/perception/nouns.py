"""From a noun to what can be searched for: exact names and synonyms first, then the nearest sentence embedding."""

from __future__ import annotations

import hashlib
import os
from functools import cache

import numpy as np
import numpy.typing as npt

from reasonedit_agent.perception.detector import COCO
from reasonedit_agent.perception.embedding import DIMENSIONS, embed
from reasonedit_agent.weights import weight_path, weights_dir

__all__ = [
    "ALSO",
    "ANIMALS",
    "BACKDROP",
    "FIGURES",
    "GROUPS",
    "PLURALS",
    "VEHICLES",
    "coco_label",
    "group_of",
    "is_plural",
    "looks_like",
    "part_of",
    "singular",
]

_SYNONYMS: dict[str, str] = {
    "person": "man woman girl boy lady guy child kid baby toddler human adult human-being astronaut player rider "
    "worker soldier bride groom dancer runner model pedestrian figure portrait couple crowd",
    "cat": "kitten kitty tabby",
    "dog": "puppy pup hound doggy",
    "cup": "mug teacup coffee-cup coffee-mug",
    "wine glass": "wineglass goblet glass",
    "car": "automobile sedan taxi cab jeep suv",
    "bicycle": "bike cycle",
    "motorcycle": "motorbike scooter moped",
    "airplane": "plane aeroplane aircraft jet airliner",
    "truck": "lorry pickup van",
    "boat": "ship sailboat yacht canoe ferry",
    "couch": "sofa settee loveseat",
    "tv": "television screen monitor tv-screen",
    "laptop": "notebook-computer computer macbook",
    "cell phone": "phone smartphone mobile mobile-phone cellphone iphone telephone",
    "dining table": "table desk tabletop",
    "potted plant": "houseplant pot-plant plant flowerpot",
    "sports ball": "ball football soccer-ball basketball",
    "donut": "doughnut",
    "refrigerator": "fridge freezer",
    "hair drier": "hair-dryer hairdryer blow-dryer",
    "horse": "pony stallion foal",
    "cow": "bull calf cattle ox",
    "sheep": "lamb ram",
    "teddy bear": "teddy plush-bear",
    "handbag": "purse bag",
    "backpack": "rucksack",
    "suitcase": "luggage",
    "tie": "necktie",
    "bird": "seagull pigeon sparrow parrot duck swan eagle",
    "remote": "remote-control",
    "clock": "watch-face wall-clock",
    "train": "locomotive tram",
    "bench": "park-bench",
    "umbrella": "parasol",
}
_EXACT: dict[str, str] = {name: name for name in COCO} | {
    word.replace("-", " "): name for name, words in _SYNONYMS.items() for word in words.split()
}

# Common things that the detector does not know. A noun that is nearest to one of these has no COCO name.
_OTHERS: tuple[str, ...] = tuple(
    "flower,rose,tree,leaf,grass,building,house,tower,temple,rocket,spaceship,plate,saucer,dish,helmet,hat,shirt,dress,"
    "jacket,suit,shoe,glove,hair,eye,mouth,nose,hand,arm,leg,head,skin,wall,floor,window,door,road,street,bridge,mountain,"
    "hill,river,lake,sea,water,beach,sand,snow,cloud,sun,moon,star,light,lamp,shadow,fire,smoke,flag,sign,logo,painting,"
    "poster,picture,statue,coin,jewelry,ring,necklace,glasses,camera,guitar,piano,drum,toy,balloon,candle,box,basket,pillow,"
    "blanket,curtain,carpet,stone,rock,wood,fence,wheel,rope,paper,pen,pencil,key,bread,cheese,meat,fish,egg,rice,soup,"
    "coffee,tea,milk,juice,beer,fruit,grape,lemon,strawberry,cherry,tomato,potato,vegetable,mushroom,insect,butterfly,bee,"
    "spider,snake,frog,turtle,monkey,lion,tiger,fox,wolf,rabbit,mouse animal,pig,chicken,whale,dolphin,shark,dinosaur,"
    "beak,tail,ear,paw,wing,feather,fur,foot,feet,horn,antler,hoof,whisker,branch,handle,wheel,tire,trunk,roof,"
    "dragon,robot".split(",")
)
_NEAR = 0.57  # cosine similarity below which the nearest name is rejected

GROUPS: tuple[frozenset[str], ...] = (
    frozenset("bird cat dog horse sheep cow elephant bear zebra giraffe".split()),
    frozenset(["car", "truck", "bus", "train"]),
    frozenset(["bicycle", "motorcycle"]),
    frozenset(["cup", "bowl", "wine glass", "vase"]),
    frozenset(["couch", "chair", "bed", "bench"]),
    frozenset(["tv", "laptop"]),
    frozenset(["apple", "orange", "sports ball"]),
    frozenset(["donut", "cake", "pizza"]),
    frozenset(["backpack", "handbag", "suitcase"]),
)
"""Labels that the detector takes for each other."""

FIGURES = GROUPS[0] | {"person"}
"""What moves about, and so stands before other things rather than behind them."""

ANIMALS = frozenset(
    "animal beast pet creature wildlife fox wolf tiger lion leopard jaguar cheetah panther lynx puma rabbit hare bunny "
    "squirrel hedgehog raccoon badger beaver otter seal walrus deer moose elk reindeer antelope gazelle goat pig boar "
    "hog piglet donkey mule camel llama alpaca bison buffalo yak rhino rhinoceros hippo hippopotamus kangaroo koala "
    "lemur monkey ape gorilla chimpanzee baboon sloth hyena coyote jackal hamster rat  owl penguin "
    "chicken hen rooster cock goose turkey peacock flamingo pelican heron stork crane ostrich crow raven robin finch "
    "macaw cockatoo hawk falcon kestrel vulture hummingbird woodpecker kingfisher mammal rodent marsupial quokka "
    "wallaby wombat possum opossum skunk weasel ferret marten mink mongoose meerkat chinchilla guinea-pig gerbil mole "
    "porcupine armadillo anteater tapir okapi ibex chamois bighorn gnu wildebeest dingo caracal ocelot serval bobcat "
    "cougar orangutan chimp macaque marmoset toad lizard gecko iguana chameleon crocodile alligator tortoise".split()
)
"""Animals that the detector does not know, and takes for those that it knows."""

_KIN: dict[str, str] = {
    "bird": "owl penguin chicken hen rooster cock goose turkey peacock flamingo pelican heron stork crane ostrich crow "
    "raven robin finch macaw cockatoo hawk falcon kestrel vulture hummingbird woodpecker kingfisher",
    "dog": "fox wolf hyena coyote jackal dingo raccoon",
    "cat": "tiger lion leopard jaguar cheetah panther lynx puma caracal ocelot serval bobcat cougar",
    "horse": "donkey mule camel llama alpaca deer moose elk reindeer antelope gazelle okapi",
    "cow": "bison buffalo yak rhino rhinoceros hippo hippopotamus gnu wildebeest moose",
    "sheep": "goat ibex chamois bighorn llama alpaca",
    "bear": "badger beaver otter wombat gorilla koala sloth",
    "elephant": "rhino rhinoceros hippo hippopotamus tapir",
    "giraffe": "okapi camel antelope",
}
_ANY = frozenset("animal beast pet creature wildlife mammal".split())

VEHICLES = ("car", "bus", "truck", "motorcycle", "train", "airplane", "boat", "bicycle")
ALSO: dict[str, tuple[str, ...]] = {
    "bike": ("motorcycle",), "glass": ("cup",), "computer": ("tv", "keyboard"), "screen": ("laptop",),
    "monitor": ("laptop",), "van": ("car", "bus"), "pot": ("potted plant", "vase", "bowl"), "tram": ("bus",),
    "bag": ("backpack", "suitcase"), "ship": ("airplane",), "bowl": ("cup",), "jar": ("vase", "bottle"),
    "fruit": ("orange", "apple", "banana"), "vegetable": ("broccoli", "carrot"), "flowerpot": ("vase",),
    "food": ("pizza", "sandwich", "cake", "donut", "hot dog", "orange", "apple", "banana"),
    "furniture": ("couch", "chair", "bed", "bench"),
    "vehicle": VEHICLES,
}  # fmt: skip
"""Further names that a word may mean, where its first is not seen; the surest is taken."""

BACKDROP = frozenset(["wall", "floor", "ground", "table", "dining table", "desk", "tabletop", "carpet", "rug"])
"""Things that usually are what stands behind or under the subject."""

PLURALS: dict[str, str] = {
    "people": "person", "persons": "person", "men": "man", "women": "woman", "children": "child", "kids": "kid",
    "mice": "mouse", "knives": "knife", "leaves": "leaf", "sheep": "sheep", "buses": "bus", "benches": "bench",
    "couches": "couch", "sandwiches": "sandwich", "toothbrushes": "toothbrush", "glasses": "glasses", "skis": "skis",
    "scissors": "scissors", "wine glasses": "wine glass", "dishes": "dish", "branches": "branch", "bushes": "bush",
    "bodies": "body", "ladies": "lady", "babies": "baby", "puppies": "puppy", "cherries": "cherry", "tvs": "tv",
}  # fmt: skip
_PAIRS = frozenset(["glasses", "scissors", "skis"])
_SINGULAR_S = frozenset("bus glass grass dress cross tennis canvas compass cactus lens".split())


def singular(noun: str) -> tuple[str, bool]:
    """Return the noun in the singular, and whether it was a plural."""
    first, _, last = noun.rpartition(" ")
    if noun in PLURALS:
        return PLURALS[noun], PLURALS[noun] != noun
    if last in PLURALS:
        return f"{first} {PLURALS[last]}".strip(), PLURALS[last] != last
    if len(last) > 3 and last.endswith("s") and not last.endswith("ss") and last not in _SINGULAR_S:
        return noun[:-1], True
    return noun, False


def is_plural(noun: str) -> bool:
    """Return whether a noun takes "are": "cups", "scissors"; "grass" and "glass" take "is"."""
    return singular(noun)[1] or noun.rpartition(" ")[2] in _PAIRS


@cache
def _vectors() -> tuple[tuple[str, ...], npt.NDArray[np.float32]]:
    """Return the names and their embeddings; they take seconds, so they are kept beside the weights."""
    names = (*COCO, *_OTHERS)
    key = hashlib.sha256("\n".join(names).encode() + weight_path("minilm.safetensors").name.encode()).hexdigest()[:16]
    kept = weights_dir() / f"nouns-{key}.npy"
    try:
        vectors = np.load(kept, allow_pickle=False)
        if vectors.shape == (len(names), DIMENSIONS):
            return names, np.asarray(vectors, np.float32)
    except (OSError, ValueError):
        pass
    vectors = embed(names)
    part = kept.with_name(f".{kept.name}.{os.getpid()}.npy")
    try:
        np.save(part, vectors, allow_pickle=False)
        os.replace(part, kept)
    except OSError:
        part.unlink(missing_ok=True)  # a folder that cannot be written: they are made again next time
    return names, vectors


def coco_label(noun: str) -> tuple[str, float] | None:
    """Return the COCO name for a singular noun and how sure the match is (1 for a known word), or None.

    A noun of several words is tried as a whole, then by its last word ("coffee cup", "old car").
    """
    for words in (noun, noun.rpartition(" ")[2]):
        if words in _EXACT:
            return _EXACT[words], 1.0
        if words in _OTHERS:
            return None
    if not noun:
        return None
    if part_of(noun):
        return None
    names, vectors = _vectors()
    similar = vectors @ embed([noun])[0]
    best = int(similar.argmax())
    if best >= len(COCO) or similar[best] < _NEAR:
        return None
    return names[best], float(similar[best])


def part_of(noun: str) -> str:
    """Return the known thing that a noun names something of ("cup handle", "cat collar"), or an empty text."""
    words = noun.split(" ")
    if " ".join(words) in _EXACT or words[-1] in _EXACT:
        return ""
    owners = (" ".join(words[:end]) for end in range(len(words) - 1, 0, -1))
    return next((owner for owner in owners if owner in _EXACT), "")


def looks_like(animal: str) -> frozenset[str]:
    """Return the labels of the detector that fit an animal of `ANIMALS`; none for those unlike all that it knows."""
    if animal in _ANY:
        return GROUPS[0]
    return frozenset(label for label, kin in _KIN.items() if animal in kin.split(" "))


def group_of(label: str) -> frozenset[str]:
    """Return the labels that the detector takes for this one, itself included."""
    return next((group for group in GROUPS if label in group), frozenset([label]))
