# ruff: noqa: E501 - the same key in five languages is easier to compare unwrapped
"""Sentences of a plan, in the user's language: what is done, and the question whether it was."""

from __future__ import annotations

from functools import cache

from reasonedit_agent.operations import Adjust, PlainOperation, ReplaceBackground
from reasonedit_agent.reasoners.embedded.grammar import Clause, colours, nouns

__all__ = ["EXAMPLES", "keep_question", "keep_statement", "noun_in", "question", "remarks", "statement"]

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "lost": " (the {} to leave out could not be found)", "unused": " (“{}” could not be used to tell which one)", "guess": " (what stands out is taken for the {})", "keep": "keep the {} as it is", "whole": "the picture", "the": "the {}", "except": "everything except {}", "done": "Is this done: {}?",
        "kept": "Is the {} as it was?", "slightly": "slightly ", "more_of": "more ",
        "recolour": "make {target} {slightly}{colour}", "more": "increase the {what} of {target} by {amount}",
        "less": "decrease the {what} of {target} by {amount}", "sharpen": "sharpen {target}",
        "blur": "blur {target}", "black_and_white": "make {target} black and white", "sepia": "give {target} a sepia tone",
        "vignette": "darken {target} towards the corners", "remove": "remove {target}",
        "replace_background": "replace the background with {fill}", "cut_out": "cut out {target}",
        "crop": "crop {target}{ratio}", "resize": "resize the picture to {size}", "rotate": "rotate the picture by {degrees} degrees clockwise",
        "flip": "mirror the picture {axis}", "add_text": "write “{text}” on {target} ({place})", "redact": "make {target} unrecognisable",
        "stylise": "turn {target} into a {style}", "upscale": "enlarge the picture {factor} times",
        "reference": "the reference photo", "gradient": "a gradient from {} to {}", "ratio": " to {}:{}", "horizontal": "left to right",
        "vertical": "top to bottom", "brightness": "brightness", "contrast": "contrast", "saturation": "saturation",
        "warmth": "warmth", "exposure": "exposure", "painting": "painting", "pencil": "pencil drawing", "cartoon": "cartoon",
        "?recolour": "Is {target} {slightly}{colour} now?", "?remove": "Is {target} gone?", "?blur": "Is {target} blurred?",
        "?black_and_white": "Is {target} without colour?", "?sharpen": "Is {target} sharper?", "?resize": "Is the size {size}?",
        "?add_text": "Can “{text}” be read in the picture?", "?redact": "Is {target} unrecognisable?",
        "?replace_background": "Is the background {fill} now?", "?more": "Is the {what} of {target} higher by {amount}?",
        "?less": "Is the {what} of {target} lower by {amount}?", "?cut_out": "Is everything but {target} transparent?",
    },
    "zh": {
        "lost": "（未找到要保留的{}）", "unused": "（未能用“{}”来判断是哪一个）", "guess": "（把画面中最突出的部分当作{}）", "keep": "保持{}不变", "whole": "整张图片", "the": "{}", "except": "除{}以外的部分", "done": "是否已完成：{}？", "kept": "{}是否保持不变？", "slightly": "略带", "more_of": "更",
        "recolour": "把{target}变成{slightly}{colour}", "more": "把{target}的{what}提高{amount}", "less": "把{target}的{what}降低{amount}",
        "sharpen": "锐化{target}", "blur": "模糊{target}", "black_and_white": "把{target}变成黑白", "sepia": "给{target}加上怀旧棕褐色调",
        "vignette": "给{target}加上暗角", "remove": "去掉{target}", "replace_background": "把背景换成{fill}", "cut_out": "抠出{target}",
        "crop": "裁剪{target}{ratio}", "resize": "把图片大小调整为{size}", "rotate": "把图片顺时针旋转{degrees}度", "flip": "{axis}翻转图片",
        "add_text": "在{target}上写“{text}”（{place}）", "redact": "给{target}打码", "stylise": "把{target}变成{style}", "upscale": "把图片放大{factor}倍",
        "reference": "参考照片", "gradient": "从{}到{}的渐变", "ratio": "为{}:{}", "horizontal": "左右", "vertical": "上下",
        "brightness": "亮度", "contrast": "对比度", "saturation": "饱和度", "warmth": "暖度", "exposure": "曝光",
        "painting": "油画", "pencil": "铅笔素描", "cartoon": "卡通画",
        "?recolour": "{target}现在是{slightly}{colour}吗？", "?remove": "{target}消失了吗？", "?blur": "{target}模糊了吗？",
        "?black_and_white": "{target}是黑白的吗？", "?sharpen": "{target}更清晰了吗？", "?resize": "图片大小是{size}吗？",
        "?add_text": "图片上能读出“{text}”吗？", "?redact": "{target}无法辨认了吗？", "?replace_background": "背景现在是{fill}吗？",
        "?more": "{target}的{what}提高了{amount}吗？", "?less": "{target}的{what}降低了{amount}吗？", "?cut_out": "{target}以外都透明了吗？",
    },
    "de": {
        "lost": " ({} war nicht zu finden)", "unused": " („{}“ half nicht bei der Auswahl)", "guess": " (was hervorsticht, gilt als {})", "keep": "{} unverändert lassen", "whole": "ganzes Bild", "the": "{}", "except": "alles außer {}", "done": "Ist das geschehen: {}?", "kept": "Unverändert geblieben: {}?",
        "slightly": "leicht ", "more_of": "mehr ", "recolour": "{target}: {slightly}{colour} färben", "more": "{target}: {what} um {amount} erhöhen",
        "less": "{target}: {what} um {amount} verringern", "sharpen": "{target}: schärfen", "blur": "{target}: unscharf machen",
        "black_and_white": "{target}: schwarzweiß", "sepia": "{target}: Sepiaton", "vignette": "{target}: Vignette", "remove": "{target}: entfernen",
        "replace_background": "Hintergrund ersetzen durch {fill}", "cut_out": "{target}: freistellen", "crop": "{target}: zuschneiden{ratio}",
        "resize": "Bildgröße auf {size} ändern", "rotate": "Bild um {degrees} Grad im Uhrzeigersinn drehen", "flip": "Bild {axis} spiegeln",
        "add_text": "{target}: „{text}“ schreiben ({place})", "redact": "{target}: unkenntlich machen", "stylise": "{target}: als {style}",
        "upscale": "Bild {factor}-fach vergrößern", "reference": "Referenzfoto", "gradient": "Verlauf von {} nach {}", "ratio": " auf {}:{}",
        "horizontal": "waagrecht", "vertical": "senkrecht", "brightness": "Helligkeit", "contrast": "Kontrast", "saturation": "Sättigung",
        "warmth": "Wärme", "exposure": "Belichtung", "painting": "Gemälde", "pencil": "Bleistiftzeichnung", "cartoon": "Cartoon",
    },
    "es": {
        "lost": " (no se encontró: {})", "unused": " («{}» no sirvió para saber cuál)", "guess": " (se toma lo que más destaca por: {})", "keep": "mantener {} igual", "whole": "toda la imagen", "the": "{}", "except": "todo excepto {}", "done": "¿Está hecho: {}?", "kept": "¿Sigue igual: {}?",
        "slightly": "ligeramente ", "more_of": "más ", "recolour": "{target}: color {slightly}{colour}", "more": "{target}: aumentar {what} en {amount}",
        "less": "{target}: reducir {what} en {amount}", "sharpen": "{target}: enfocar", "blur": "{target}: desenfocar",
        "black_and_white": "{target}: blanco y negro", "sepia": "{target}: sepia", "vignette": "{target}: viñeta", "remove": "eliminar: {target}",
        "replace_background": "reemplazar el fondo por {fill}", "cut_out": "recortar la silueta: {target}", "crop": "recortar: {target}{ratio}",
        "resize": "cambiar el tamaño a {size}", "rotate": "girar la imagen {degrees} grados en sentido horario", "flip": "voltear la imagen ({axis})",
        "add_text": "{target}: escribir «{text}» ({place})", "redact": "{target}: hacer irreconocible", "stylise": "{target}: como {style}",
        "upscale": "ampliar la imagen {factor} veces", "reference": "la foto de referencia", "gradient": "degradado de {} a {}", "ratio": " a {}:{}",
        "horizontal": "horizontal", "vertical": "vertical", "brightness": "brillo", "contrast": "contraste", "saturation": "saturación",
        "warmth": "calidez", "exposure": "exposición", "painting": "pintura", "pencil": "dibujo a lápiz", "cartoon": "dibujo animado",
    },
    "fr": {
        "lost": " ({} : introuvable)", "unused": " (« {} » n'a pas servi à choisir)", "guess": " (ce qui ressort est pris pour : {})", "keep": "garder {} tel quel", "whole": "toute l'image", "the": "{}", "except": "tout sauf {}", "done": "Est-ce fait : {} ?", "kept": "Inchangé : {} ?",
        "slightly": "légèrement ", "more_of": "plus ", "recolour": "{target} : couleur {slightly}{colour}", "more": "{target} : augmenter {what} de {amount}",
        "less": "{target} : réduire {what} de {amount}", "sharpen": "{target} : rendre plus net", "blur": "{target} : flouter",
        "black_and_white": "{target} : noir et blanc", "sepia": "{target} : sépia", "vignette": "{target} : vignette", "remove": "supprimer : {target}",
        "replace_background": "remplacer le fond par {fill}", "cut_out": "détourer : {target}", "crop": "recadrer : {target}{ratio}",
        "resize": "redimensionner à {size}", "rotate": "tourner l'image de {degrees} degrés (sens horaire)", "flip": "retourner l'image ({axis})",
        "add_text": "{target} : écrire « {text} » ({place})", "redact": "{target} : rendre méconnaissable", "stylise": "{target} : en {style}",
        "upscale": "agrandir l'image {factor} fois", "reference": "la photo de référence", "gradient": "dégradé de {} à {}", "ratio": " en {}:{}",
        "horizontal": "horizontal", "vertical": "vertical", "brightness": "la luminosité", "contrast": "le contraste", "saturation": "la saturation",
        "warmth": "la chaleur", "exposure": "l'exposition", "painting": "peinture", "pencil": "dessin au crayon", "cartoon": "dessin animé",
    },
}  # fmt: skip

EXAMPLES = {
    "en": "“blur the background”, “make the cup green”, “crop to square”",
    "zh": "“把背景虚化”、“把杯子变成绿色”、“裁剪成正方形”",
    "de": "„mach den Hintergrund unscharf“, „mach die Tasse grün“, „schneide das Bild quadratisch zu“",
    "es": "«desenfoca el fondo», «haz la taza verde», «recorta en cuadrado»",
    "fr": "« floute l'arrière-plan », « rends la tasse verte », « recadre en carré »",
}
"""Instructions that are understood, for messages."""


def statement(clause: Clause, language: str) -> str:
    """Return what is done, in words."""
    return _WORDS[language][_key(clause.operation)].format(**_values(clause, language))


def question(clause: Clause, language: str) -> str:
    """Return the question whether it was done."""
    words = _WORDS[language]
    asked = words.get("?" + _key(clause.operation))
    if asked is None:
        return words["done"].format(statement(clause, language))
    return asked.format(**_values(clause, language))


def keep_question(noun: str, language: str) -> str:
    """Return the question whether a thing stayed as it was."""
    return _WORDS[language]["kept"].format(noun_in(noun, language))


def keep_statement(noun: str, language: str) -> str:
    """Return that a thing stays as it is, in words."""
    return _WORDS[language]["keep"].format(noun_in(noun, language))


def remarks(guessed: tuple[str, ...], unused: tuple[str, ...], lost: tuple[str, ...], language: str) -> str:
    """Return remarks, or an empty text.

    Args:
        guessed: Nouns that were not recognised by name.
        unused: Nouns that did not help to choose.
        lost: Nouns that were to stay as they are and were not found.
        language: Of the remarks.
    """
    said = [
        _WORDS[language][key].format(", ".join(noun_in(noun, language) for noun in nouns))
        for key, nouns in (("guess", guessed), ("unused", unused), ("lost", lost))
        if nouns
    ]
    return "".join(said)


def _key(operation: PlainOperation) -> str:
    if isinstance(operation, Adjust):
        return "less" if operation.amount < 0 else "more"
    return operation.op


def _values(clause: Clause, language: str) -> dict[str, str]:
    words, operation = _WORDS[language], clause.operation
    values = {name: str(value) for name, value in operation.model_dump().items()}
    values["target"] = _target(clause.target, language)
    values["slightly"] = words["slightly"] if values.get("strength", "1")[:3] in ("0.1", "0.2", "0.3", "0.4") else ""
    if "colour" in values:
        code = values["colour"]
        if clause.more:
            values["slightly"] = words["more_of"]
            code = next((plain for plain, meant in colours.MORE_OF.items() if meant == code), code)
        values["colour"] = _colour(code, language)
    for name in ("what", "style", "axis"):
        values[name] = words.get(values.get(name, ""), values.get(name, ""))
    values["size"] = _size(values)
    values["degrees"] = f"{float(values.get('degrees', '0')):g}"
    if isinstance(operation, Adjust):
        stops = operation.what == "exposure"
        values["amount"] = f"{abs(operation.amount):g} EV" if stops else f"{abs(operation.amount):.0%}"
    if isinstance(operation, ReplaceBackground):
        shown = [_colour(c, language) for c in operation.fill.colours]
        values["fill"] = (
            words["gradient"].format(*shown) if len(shown) == 2 else shown[0] if shown else words["reference"]
        )
    ratio = getattr(operation, "ratio", None)
    values["ratio"] = words["ratio"].format(f"{ratio[0]:g}", f"{ratio[1]:g}") if ratio else ""
    return values


def _size(values: dict[str, str]) -> str:
    if values.get("scale", "None") != "None":
        return f"{float(values['scale']):.0%}"
    if values.get("megapixels", "None") != "None":
        return f"{float(values['megapixels']):g} MP"
    width, height = values.get("width", "None"), values.get("height", "None")
    sides = [side if side != "None" else "…" for side in (width, height)]
    return " × ".join(sides) + " px"


def _target(target: str | None, language: str) -> str:
    words = _WORDS[language]
    if target is None:
        return words["whole"]
    if target.startswith("everything except "):
        return words["except"].format(words["the"].format(noun_in(target.removeprefix("everything except "), language)))
    return words["the"].format(noun_in(target, language))


def noun_in(noun: str, language: str) -> str:
    """Return a normalised English noun phrase in a language, word by word; unknown words stay."""
    if language == "en":
        return noun
    if noun in _nouns(language):
        return _nouns(language)[noun]
    known = [_nouns(language).get(word, _nouns(language).get(word + " color", word)) for word in noun.split(" ")]
    return ("" if language == "zh" else " ").join(known)


@cache
def _nouns(language: str) -> dict[str, str]:
    """English to the language: nouns, and colours that describe them."""
    column = nouns.COLUMNS.index(language)
    table = {}
    for row in colours.ROWS.splitlines():
        cells = [cell.strip() for cell in row.split("|")]
        table[cells[1].split(", ")[0]] = cells[1 + column].split(", ")[0]
    for row in nouns.ROWS.splitlines():
        cells = [cell.strip() for cell in row.split("|")]
        table.setdefault(cells[0].split(", ")[0], cells[column].split(", ")[0])
    return table


def _colour(code: str, language: str) -> str:
    name = colours.name_of(code)
    return name if language == "en" else _nouns(language).get(name, code)
