"""Instructions and what a person means by them, written by hand."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["CHINESE", "ENGLISH", "FRENCH", "GERMAN", "SPANISH", "Case", "Do", "do"]

SIZE = (1000, 800)
"""Width and height of the picture that all cases speak of."""


@dataclass(frozen=True)
class Do:
    """One expected clause: the operation, where, and the fields that matter."""

    op: str
    target: str | None
    fields: dict[str, object]


@dataclass(frozen=True)
class Case:
    """An instruction, what is to be done, what stays."""

    text: str
    todo: tuple[Do, ...]
    keep: tuple[str, ...] = field(default=())


def do(op: str, target: str | None = None, **fields: object) -> Do:
    """Return an expected clause."""
    return Do(op, target, fields)


def adjust(what: str, amount: float, target: str | None = None) -> Do:
    return Do("adjust", target, {"what": what, "amount": amount})


def colour(code: str, target: str | None = None, strength: float = 1.0) -> Do:
    return Do("recolour", target, {"colour": code, "strength": strength})


def backdrop(*colours: str, direction: str = "down") -> Do:
    return Do(
        "replace_background", "background", {"fill": {"colours": colours, "direction": direction, "reference": None}}
    )


BLUR = 9.6  # 1.2 % of 800

ENGLISH = (
    Case("looks flat, give it waaay more contrast", (adjust("contrast", 0.425),)),
    Case("cut the parrot out for me, no background, transparent png", (do("cut_out", "parrot"),)),
    Case("pull the exposure down two thirds of a stop", (adjust("exposure", -0.6667),)),
    Case("mirror it so the dog faces the other way", (do("flip", axis="horizontal"),)),
    Case("shrink to a quarter of its size (25% on each side)", (do("resize", scale=0.25),)),
    Case("make this photo brighter", (adjust("brightness", 0.2),)),
    Case("keep only the top left quarter", (do("crop", "top left half"),)),
    Case("remove the sleeping dog", (do("remove", "dog"),)),
    Case("remove the man wearing a hat", (do("remove", "man with hat"),)),
    Case("make the wooden table darker", (adjust("brightness", -0.2, "dining table"),)),
    Case("make the orange blue", (colour("#0000ff", "orange"),)),
    Case("don't blur the background, make it brighter instead", (adjust("brightness", 0.2, "background"),)),
    Case("instead of blurring the background, darken it", (adjust("brightness", -0.2, "background"),)),
    Case("never mind the bowl, brighten the cup", (adjust("brightness", 0.2, "cup"),), ("bowl",)),
    Case("make it so the cup is green", (colour("#008000", "cup"),)),
    Case("blur the area behind the cat", (do("blur", "background", sigma=BLUR),)),
    Case("brighten the area around the cat", (adjust("brightness", 0.2, "everything except cat"),)),
    Case("remove the biggest cup", (do("remove", "largest cup"),)),
    Case("remove all text except the title", (do("remove", "text"),), ("title",)),
    Case("crop to the middle", (do("crop", "center half"),)),
    Case("make a black and white cat brighter", (adjust("brightness", 0.2, "monochrome cat"),)),
    Case("cut out the dog, with a transparent background", (do("cut_out", "dog"),)),
    Case(
        "brighten the cup by 20% and the plate by 40%",
        (adjust("brightness", 0.2, "cup"), adjust("brightness", 0.4, "plate")),
    ),
    Case("remove the flag in the background", (do("remove", "flag"),)),
    Case("brighten the cat so that I can see it", (adjust("brightness", 0.2, "cat"),)),
    Case("sharpen the photo because it is for print", (do("sharpen"),)),
    Case(
        "blur the face so nobody can recognise her, and crop to square",
        (do("redact", "face"), do("crop", ratio=(1, 1))),
    ),
    Case("make the selected area warmer", (adjust("warmth", 0.2, "selection"),)),
    Case("crop to the box I drew", (do("crop", "selection"),)),
    Case("crop off the left half", (do("crop", "right half"),)),
    Case("make the sky (top) purple", (colour("#800080", "sky"),)),
    Case("flip it upside down, like a mirror", (do("flip", axis="vertical"),)),
    Case("make it one third of its size", (do("resize", scale=0.3333),)),
    Case("use a gradient from red to blue as the background", (backdrop("#ff0000", "#0000ff"),)),
    # the area that was drawn, parts of the picture, fractions, reasons, strength said twice
    Case("recolor the area I boxed to hot pink", (colour("#ff1493", "selection"),)),
    Case("blur everything except the selected area", (do("blur", "everything except selection"),)),
    Case("pixelate what I selected", (do("redact", "selection", style="pixelate"),)),
    Case("crop it to the region I marked", (do("crop", "selection", margin=0.0),)),
    Case("Change the background to solid #00ff00 (green screen)", (backdrop("#00ff00"),)),
    Case("set the background to a solid color (white, please)", (backdrop("#ffffff"),)),
    Case(
        "make the background a gradient from blue (left) to white (right)",
        (backdrop("#0000ff", "#ffffff", direction="right"),),
    ),
    Case("a gradient background from purple (bottom) to orange (top)", (backdrop("#ffa500", "#800080"),)),
    Case("crop away the top half, keep only the bottom", (do("crop", "bottom half"),)),
    Case("cut off the bottom third", (do("crop", "everything except bottom third"),)),
    Case("brighten it, but only on the left", (adjust("brightness", 0.2, "left half"),)),
    Case("only the cat should be in colour", (do("black_and_white", "everything except cat"),)),
    Case("scale it to two thirds", (do("resize", scale=0.6667),)),
    Case("resize to 1/3", (do("resize", scale=0.3333),)),
    Case("shrink it by a third", (do("resize", scale=0.6667),)),
    Case("crop to 4/5", (do("crop", ratio=(4, 5)),)),
    Case("reduce the brightness by a third", (adjust("brightness", -0.3333),)),
    Case("reduce the contrast to a third", (adjust("contrast", -0.6667),)),
    Case("mirror it upside down", (do("flip", axis="vertical"),)),
    Case("turn it upside down", (do("rotate", degrees=180),)),
    Case("Sharpen the page so it's easier to read", (do("sharpen"),)),
    Case("remove the pole since it's distracting", (do("remove", "pole"),)),
    Case("so nobody recognises her, blur the face", (do("redact", "face"),)),
    Case(
        "make it warmer so that it feels cosy and increase the contrast",
        (adjust("warmth", 0.2), adjust("contrast", 0.25)),
    ),
    Case("this is way too dark, brighten it up a lot please", (adjust("brightness", 0.52),)),
    Case("it's way too dark, brighten it a little", (adjust("brightness", 0.08),)),
    Case("it's way too dark, brighten it by 30%", (adjust("brightness", 0.3),)),
    # compound, shared verbs, elided things, "it"
    Case(
        "blur the background and make the cup green, but keep the saucer",
        (do("blur", "background", sigma=BLUR), colour("#008000", "cup")),
        ("saucer",),
    ),
    Case("brighten and sharpen the photo", (adjust("brightness", 0.2), do("sharpen", amount=1.0))),
    Case("brighten and sharpen the cat", (adjust("brightness", 0.2, "cat"), do("sharpen", "cat", amount=1.0))),
    Case("crop to square then make it 800 px wide", (do("crop", ratio=(1, 1)), do("resize", width=800, height=None))),
    Case("select the dog, make it red and brighter", (colour("#ff0000", "dog"), adjust("brightness", 0.2, "dog"))),
    Case("make the cup and the plate blue", (colour("#0000ff", "cup"), colour("#0000ff", "plate"))),
    Case("make the cup blue and the plate red", (colour("#0000ff", "cup"), colour("#ff0000", "plate"))),
    Case("remove the cup, the spoon and the fork", (do("remove", "cup"), do("remove", "spoon"), do("remove", "fork"))),
    Case("more contrast and saturation", (adjust("contrast", 0.25), adjust("saturation", 0.3))),
    Case("Make it brighter. Then crop it to 16:9.", (adjust("brightness", 0.2), do("crop", ratio=(16, 9)))),
    Case("darken the sky, then remove the car", (adjust("brightness", -0.2, "sky"), do("remove", "car"))),
    Case("remove the bottle and make it warmer", (do("remove", "bottle"), adjust("warmth", 0.2))),
    # what stays
    Case("brighten the photo without changing the sky", (adjust("brightness", 0.2),), ("sky",)),
    Case(
        "don't touch the face, but make the background darker", (adjust("brightness", -0.2, "background"),), ("face",)
    ),
    Case("sharpen everything except the sky", (do("sharpen", "everything except sky"),)),
    Case("make everything but the rose black and white", (do("black_and_white", "everything except rose"),)),
    Case(
        "make the cup green and the rest black and white",
        (colour("#008000", "cup"), do("black_and_white", "everything except cup")),
    ),
    Case("keep the cat as it is and blur the rest", (do("blur", "everything except cat"),), ("cat",)),
    Case("make it warmer but not too much", (adjust("warmth", 0.12),)),
    Case("make it brighter but don't crop it", (adjust("brightness", 0.2),)),
    Case("desaturate the wall, leave the dog unchanged", (adjust("saturation", -0.3, "wall"),), ("dog",)),
    Case("keep only the dog", (do("cut_out", "dog"),)),
    # strengths and numbers
    Case("slightly brighter", (adjust("brightness", 0.08),)),
    Case("make the sky much darker", (adjust("brightness", -0.34, "sky"),)),
    Case("a bit more contrast", (adjust("contrast", 0.1),)),
    Case("increase the contrast by 20%", (adjust("contrast", 0.2),)),
    Case("ten percent less saturation", (adjust("saturation", -0.1),)),
    Case("2 stops brighter", (adjust("exposure", 2),)),
    Case("+1 EV", (adjust("exposure", 1),)),
    Case("reduce the exposure by half a stop", (adjust("exposure", -0.5),)),
    Case("double the contrast", (adjust("contrast", 1.0),)),
    Case("cut the saturation in half", (adjust("saturation", -0.5),)),
    Case("raise the exposure", (adjust("exposure", 0.7),)),
    Case("blur it with 12 px", (do("blur", sigma=12),)),
    # colloquial, polite, complaints
    Case("could you please make the colours pop?", (adjust("saturation", 0.3),)),
    Case("I'd like you to get rid of the spoon, thanks", (do("remove", "spoon"),)),
    Case("make it look like an old photo", (do("sepia"),)),
    Case("bring out the colors", (adjust("saturation", 0.3),)),
    Case("it's too dark", (adjust("brightness", 0.2),)),
    Case("the picture is too bright", (adjust("brightness", -0.2),)),
    Case("it looks a bit yellow", (adjust("warmth", -0.14),)),
    Case("the photo is blurry", (do("sharpen", amount=1.0),)),
    Case("the sky is too bright", (adjust("brightness", -0.2, "sky"),)),
    Case("it is not bright enough", (adjust("brightness", 0.2),)),
    Case("make it Insta square", (do("crop", ratio=(1, 1)),)),
    Case("zap the trash", (do("remove", "trash"),)),
    Case("blurry background like a portrait", (do("blur", "background"),)),
    Case("put her on a white background", (backdrop("#ffffff"),)),
    Case("colder please", (adjust("warmth", -0.2),)),
    # colours
    Case("make the car rebeccapurple", (colour("#663399", "car"),)),
    Case("paint the door dark green", (colour("#006400", "door"),)),
    Case("change the color of the dress to #1E90FF", (colour("#1e90ff", "dress"),)),
    Case("recolor the shirt rgb(250, 128, 114)", (colour("#fa8072", "shirt"),)),
    Case("make the red plate yellow", (colour("#ffff00", "red plate"),)),
    Case("turn the sky slightly pink", (colour("#ffc0cb", "sky", 0.4),)),
    Case("make the cup a darker red", (colour("#8c0000", "cup"),)),
    Case("make the cat's eyes green", (colour("#008000", "cat eyes"),)),
    Case("make the orange cup blue", (colour("#0000ff", "orange cup"),)),
    # places
    Case("make the left half black and white", (do("black_and_white", "left half"),)),
    Case("remove the person on the right", (do("remove", "right person"),)),
    Case("brighten the upper part of the image", (adjust("brightness", 0.2, "top half"),)),
    # text
    Case(
        'write "Hello World" at the bottom in red',
        (do("add_text", text="Hello World", place="bottom", colour="#ff0000"),),
    ),
    Case(
        "add the text ‘Sale!’ in the top right corner, 60 px",
        (do("add_text", text="Sale!", place="top-right", size=60),),
    ),
    Case("put “Don't blur the cat” in the middle", (do("add_text", text="Don't blur the cat", place="center"),)),
    Case(
        "write Merry Christmas at the top in big white letters",
        (do("add_text", text="Merry Christmas", place="top", size=96, colour="#ffffff"),),
    ),
    Case("caption it «Été 2024» bottom left, small", (do("add_text", text="Été 2024", place="bottom-left", size=32),)),
    # geometry
    Case("crop to 4 by 3", (do("crop", ratio=(4, 3)),)),
    Case("crop tightly around the cat", (do("crop", "cat", ratio=None),)),
    Case("crop to the dog with a 20% margin", (do("crop", "dog", margin=0.2),)),
    Case("rotate 90 degrees to the left", (do("rotate", degrees=-90),)),
    Case("rotate it by 15 degrees", (do("rotate", degrees=15),)),
    Case("turn the image upside down", (do("rotate", degrees=180),)),
    Case("rotate counter-clockwise", (do("rotate", degrees=-90),)),
    Case("flip horizontally", (do("flip", axis="horizontal"),)),
    Case("mirror the photo top to bottom", (do("flip", axis="vertical"),)),
    Case("resize to 50%", (do("resize", scale=0.5),)),
    Case("resize it to 1200x800", (do("resize", width=1200, height=800),)),
    Case("scale to 2 megapixels", (do("resize", megapixels=2),)),
    Case("make it half the size", (do("resize", scale=0.5),)),
    Case("make the picture twice as big", (do("resize", scale=2),)),
    Case("make the long side 1,600 px", (do("resize", width=1600, height=None),)),
    Case("upscale 4x", (do("upscale", factor=4),)),
    Case("increase the resolution", (do("upscale", factor=2),)),
    # the rest of the operations
    Case("remove the background", (do("cut_out", "subject"),)),
    Case("cut out the bear", (do("cut_out", "bear"),)),
    Case("replace the background with navy", (backdrop("#000080"),)),
    Case("change the background to a blue-to-white gradient", (backdrop("#0000ff", "#ffffff"),)),
    Case("blur the faces", (do("redact", "face", style="blur"),)),
    Case("pixelate the licence plate", (do("redact", "license plate", style="pixelate"),)),
    Case("turn it into an oil painting", (do("stylise", style="painting"),)),
    Case("make it a pencil sketch", (do("stylise", style="pencil"),)),
    Case("cartoonify the photo", (do("stylise", style="cartoon"),)),
    Case("add a strong vignette", (do("vignette", strength=1.0),)),
    Case("make it black & white", (do("black_and_white", strength=1),)),
    Case("give it a sepia tone", (do("sepia"),)),
    # second list, written after the tables
    Case("take the text off the sign", (do("remove", "text"),)),
    Case("cut the dog out and put it on a pink background", (do("cut_out", "dog"), backdrop("#ffc0cb"))),
    Case("crop the image to focus on the bird", (do("crop", "bird"),)),
    Case("make it a square of 500 pixels", (do("crop", ratio=(1, 1)), do("resize", width=500, height=500))),
    Case("scale the image by a factor of 3", (do("resize", scale=3),)),
    Case("blur out the license plates on the cars", (do("redact", "license plate", style="blur"),)),
    Case("blur everything behind the person", (do("blur", "background"),)),
    Case("remove that ugly pole behind the house", (do("remove", "pole"),)),
    Case(
        "make the background blurry and black and white",
        (do("blur", "background"), do("black_and_white", "background")),
    ),
    Case("it's too dark, please brighten it", (adjust("brightness", 0.2),)),
    Case("Get rid of everything except the person", (do("cut_out", "person"),)),
    Case("drop the exposure by 1 stop", (adjust("exposure", -1),)),
    Case(
        'Add "© 2024 Me" in small white text to the bottom right corner',
        (do("add_text", text="© 2024 Me", place="bottom-right", size=32, colour="#ffffff"),),
    ),
    # small typing errors
    Case("blurr the backgroud", (do("blur", "background"),)),
    Case("brigthen the umbrela", (adjust("brightness", 0.2, "umbrella"),)),
    Case("incraese the satuartion", (adjust("saturation", 0.3),)),
    Case("remvoe the bicylce", (do("remove", "bicycle"),)),
)

CHINESE = (
    Case("把这张图稍微调亮一点", (adjust("brightness", 0.08),)),
    Case("抠图，只要猫", (do("cut_out", "cat"),)),
    Case("只保留上半部分，其余的裁掉", (do("crop", "top half"),)),
    Case("把牛角包抠出来，背景要透明", (do("cut_out", "croissant"),)),
    Case("给她的脸打上马赛克", (do("redact", "face", style="pixelate"),)),
    Case("把吉他上的白色贴纸去掉", (do("remove", "white guitar sticker"),)),
    Case("把站着的人去掉", (do("remove", "person"),)),
    Case("移除所有的人", (do("remove", "people"),)),
    Case("画面太灰了，提高一下对比度", (adjust("contrast", 0.25),)),
    Case("把狗抠出来，背景透明", (do("cut_out", "dog"),)),
    Case("四周压暗", (do("vignette"),)),
    Case("裁剪出中间部分", (do("crop", "center half"),)),
    Case("把我框选的部分变成粉色", (colour("#ffc0cb", "selection"),)),
    Case("裁剪到我画的框", (do("crop", "selection"),)),
    Case("把选区以外的部分变黑白", (do("black_and_white", "everything except selection"),)),
    Case("裁掉底部三分之一", (do("crop", "everything except bottom third"),)),
    Case("缩小三分之一", (do("resize", scale=0.6667),)),
    Case("像镜子一样上下翻转", (do("flip", axis="vertical"),)),
    Case("锐化页面，方便阅读", (do("sharpen"),)),
    Case("为了保护隐私，把脸打码", (do("redact", "face"),)),
    Case("虚化背景，突出主体", (do("blur", "background"),)),
    Case("背景用从橙色到紫色的渐变", (backdrop("#ffa500", "#800080"),)),
    Case("把脸模糊，以免别人认出她", (do("redact", "face"),)),
    Case("裁掉右半边，只留左半边", (do("crop", "left half"),)),
    Case("把选中的区域变暗", (adjust("brightness", -0.2, "selection"),)),
    Case("缩小到原来的三分之一", (do("resize", scale=0.3333),)),
    Case(
        "把背景虚化，把杯子变成绿色，但是保留碟子",
        (do("blur", "background", sigma=BLUR), colour("#008000", "cup")),
        ("saucer",),
    ),
    Case("请帮我把照片调亮", (adjust("brightness", 0.2),)),
    Case("稍微提高一下对比度", (adjust("contrast", 0.1),)),
    Case("对比度提高20%", (adjust("contrast", 0.2),)),
    Case("饱和度降低百分之三十", (adjust("saturation", -0.3),)),
    Case("曝光增加两档", (adjust("exposure", 2),)),
    Case("太暗了", (adjust("brightness", 0.2),)),
    Case("照片太亮", (adjust("brightness", -0.2),)),
    Case("有点偏黄", (adjust("warmth", -0.2),)),
    Case("让颜色更鲜艳", (adjust("saturation", 0.3),)),
    Case("把图片变得更暖", (adjust("warmth", 0.2),)),
    Case("把猫变成蓝色", (colour("#0000ff", "cat"),)),
    Case("把红色的盘子变成黄色", (colour("#ffff00", "red plate"),)),
    Case("将天空换成紫色", (colour("#800080", "sky"),)),
    Case("把左边的杯子涂成#ff8800", (colour("#ff8800", "left cup"),)),
    Case("背景换成白色", (backdrop("#ffffff"),)),
    Case("把背景换成从蓝色到白色的渐变", (backdrop("#0000ff", "#ffffff"),)),
    Case("去掉勺子", (do("remove", "spoon"),)),
    Case("把右边的人去掉", (do("remove", "right person"),)),
    Case("去除背景", (do("cut_out", "subject"),)),
    Case("把狗抠出来", (do("cut_out", "dog"),)),
    Case("除了花以外全部变成黑白", (do("black_and_white", "everything except flower"),)),
    Case("杯子变成红色，其他地方变成黑白", (colour("#ff0000", "cup"), do("black_and_white", "everything except cup"))),
    Case("不要动脸，把背景变暗", (adjust("brightness", -0.2, "background"),), ("face",)),
    Case("提亮照片，天空保持不变", (adjust("brightness", 0.2),), ("sky",)),
    Case("给人脸打马赛克", (do("redact", "face", style="pixelate"),)),
    Case("模糊车牌", (do("redact", "license plate", style="blur"),)),
    Case("裁剪成正方形，然后缩放到800像素宽", (do("crop", ratio=(1, 1)), do("resize", width=800))),
    Case("裁剪为16:9", (do("crop", ratio=(16, 9)),)),
    Case("裁剪到猫", (do("crop", "cat"),)),
    Case("逆时针旋转90度", (do("rotate", degrees=-90),)),
    Case("向右旋转十五度", (do("rotate", degrees=15),)),
    Case("水平翻转", (do("flip", axis="horizontal"),)),
    Case("上下翻转图片", (do("flip", axis="vertical"),)),
    Case("缩小一半", (do("resize", scale=0.5),)),
    Case("调整大小为1200x800", (do("resize", width=1200, height=800),)),
    Case("放大两倍", (do("upscale", factor=2),)),
    Case("在底部写上“你好，世界”，红色", (do("add_text", text="你好，世界", place="bottom", colour="#ff0000"),)),
    Case("在左上角加上白色的文字「生日快乐」", (do("add_text", text="生日快乐", place="top-left", colour="#ffffff"),)),
    Case("变成黑白照片", (do("black_and_white", strength=1),)),
    Case("做成老照片的样子", (do("sepia"),)),
    Case("变成油画", (do("stylise", style="painting"),)),
    Case("把照片变成铅笔素描", (do("stylise", style="pencil"),)),
    Case("加一点暗角", (do("vignette"),)),
    Case("锐化照片", (do("sharpen", amount=1.0),)),
    Case("左半边变成黑白", (do("black_and_white", "left half"),)),
    Case("能不能把后面的路人去掉", (do("remove", "person"),)),
    Case("背景太乱了，虚化一下", (do("blur", "background"),)),
    Case("把人抠出来放到白色背景上", (backdrop("#ffffff"),)),
    Case("图片太模糊了，变清晰一点", (do("sharpen", amount=0.7),)),
    Case("不要那么亮", (adjust("brightness", -0.2),)),
    Case("曝光降低半档", (adjust("exposure", -0.5),)),
    Case("只保留红色的花的颜色，其余变黑白", (do("black_and_white", "everything except red flower"),)),
    Case("背景虛化並提高對比度", (do("blur", "background"), adjust("contrast", 0.25))),
    Case("把汽車變成紅色", (colour("#ff0000", "car"),)),
)

GERMAN = (
    Case("Färbe die Tasse bitte knallrot", (colour("#ff0000", "cup"),)),
    Case("Mach den markierten Bereich heller", (adjust("brightness", 0.2, "selection"),)),
    Case("Schneide die rechte Hälfte ab", (do("crop", "left half"),)),
    Case("Verkleinere das Bild auf zwei Drittel", (do("resize", scale=0.6667),)),
    Case("Schärfe die Seite, um sie besser lesen zu können", (do("sharpen"),)),
    Case("Erhöhe die Helligkeit um die Hälfte", (adjust("brightness", 0.5),)),
    Case("Mach das Bild heller, damit man die Katze sieht", (adjust("brightness", 0.2),)),
    Case("Mach den Hintergrund unscharf und die Tasse grün", (do("blur", "background"), colour("#008000", "cup"))),
    Case("Bitte entferne den Löffel", (do("remove", "spoon"),)),
    Case("Mach das Foto etwas heller", (adjust("brightness", 0.08),)),
    Case("Erhöhe den Kontrast um 20 Prozent", (adjust("contrast", 0.2),)),
    Case("Schneide das Bild quadratisch zu", (do("crop", ratio=(1, 1)),)),
    Case("Drehe das Bild um 90 Grad nach links", (do("rotate", degrees=-90),)),
    Case("Mach das Bild schwarzweiß", (do("black_and_white"),)),
    Case("Ersetze den Hintergrund durch Weiß", (backdrop("#ffffff"),)),
    Case("Schreibe „Hallo“ unten in Rot", (do("add_text", text="Hallo", place="bottom", colour="#ff0000"),)),
    Case("Mach den Himmel dunkler, aber ändere das Gesicht nicht", (adjust("brightness", -0.2, "sky"),), ("face",)),
    Case("Spiegle das Bild horizontal", (do("flip", axis="horizontal"),)),
    Case("Verpixele das Nummernschild", (do("redact", "license plate", style="pixelate"),)),
    Case("Mache das rote Auto grün", (colour("#008000", "red car"),)),
    Case("Mach alles außer der Tasse schwarzweiß", (do("black_and_white", "everything except cup"),)),
    Case("Färbe das Auto blau", (colour("#0000ff", "car"),)),
    Case("Mach das Foto wärmer", (adjust("warmth", 0.2),)),
    Case("Verwandle das Bild in ein Gemälde", (do("stylise", style="painting"),)),
)

SPANISH = (
    Case("elimina al perro sentado", (do("remove", "dog"),)),
    Case("recorta a la selección", (do("crop", "selection"),)),
    Case("recorta la mitad derecha y deja solo la izquierda", (do("crop", "left half"),)),
    Case("reduce la imagen a un tercio", (do("resize", scale=0.3333),)),
    Case("oscurece el cielo para que destaque el edificio", (adjust("brightness", -0.2, "sky"),)),
    Case("desenfoca la cara para que nadie la reconozca", (do("redact", "face"),)),
    Case("Haz la taza verde", (colour("#008000", "cup"),)),
    Case("desenfoca el fondo", (do("blur", "background"),)),
    Case("por favor, elimina la cuchara", (do("remove", "spoon"),)),
    Case("elimina la taza roja", (do("remove", "red cup"),)),
    Case("haz la taza roja azul", (colour("#0000ff", "red cup"),)),
    Case("haz la foto un poco más brillante", (adjust("brightness", 0.08),)),
    Case("aumenta el contraste un 20%", (adjust("contrast", 0.2),)),
    Case("convierte la foto a blanco y negro", (do("black_and_white"),)),
    Case("pon el fondo blanco", (backdrop("#ffffff"),)),
    Case("gira la imagen 90 grados a la izquierda", (do("rotate", degrees=-90),)),
    Case("recorta en cuadrado", (do("crop", ratio=(1, 1)),)),
    Case("escribe «Hola» abajo en rojo", (do("add_text", text="Hola", place="bottom", colour="#ff0000"),)),
    Case("pixela la cara", (do("redact", "face", style="pixelate"),)),
    Case("la foto está demasiado oscura", (adjust("brightness", 0.2),)),
    Case("reduce la saturación", (adjust("saturation", -0.3),)),
)

FRENCH = (
    Case("donne-lui un ton sépia, comme une vieille carte postale", (do("sepia"),)),
    Case("supprime la table en bois", (do("remove", "dining table"),)),
    Case("rends la zone encadrée plus claire", (adjust("brightness", 0.2, "selection"),)),
    Case("supprime la moitié droite", (do("crop", "left half"),)),
    Case("réduis l'image à un tiers", (do("resize", scale=0.3333),)),
    Case("rends la page plus nette afin de mieux lire", (do("sharpen"),)),
    Case("retourne l'image à l'envers comme un miroir", (do("flip", axis="vertical"),)),
    Case("floute le visage pour que personne ne la reconnaisse", (do("redact", "face"),)),
    Case("Rends la tasse verte", (colour("#008000", "cup"),)),
    Case("floute l'arrière-plan", (do("blur", "background"),)),
    Case("supprime la cuillère, s'il te plaît", (do("remove", "spoon"),)),
    Case("rends la photo un peu plus claire", (adjust("brightness", 0.08),)),
    Case("mets la photo en noir et blanc", (do("black_and_white"),)),
    Case("recadre en carré", (do("crop", ratio=(1, 1)),)),
    Case("écris « Bonjour » en bas en rouge", (do("add_text", text="Bonjour", place="bottom", colour="#ff0000"),)),
    Case("remplace le fond par du blanc", (backdrop("#ffffff"),)),
    Case("tourne l'image de 90 degrés vers la gauche", (do("rotate", degrees=-90),)),
    Case("augmente le contraste de 20 %", (adjust("contrast", 0.2),)),
    Case("ne touche pas au visage et assombris le ciel", (adjust("brightness", -0.2, "sky"),), ("face",)),
    Case("colorie la voiture en bleu", (colour("#0000ff", "car"),)),
    Case("retourne l'image horizontalement", (do("flip", axis="horizontal"),)),
    Case("pixellise la plaque d'immatriculation", (do("redact", "license plate", style="pixelate"),)),
    Case("rends les couleurs plus vives", (adjust("saturation", 0.3),)),
)
