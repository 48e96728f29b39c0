# ruff: noqa: E501 - one row per entry of a table is easier to read and to extend than wrapped rows
"""Colours in words: one row per colour and language, the 148 names of CSS, hex and rgb(), and shades of them."""

from __future__ import annotations

import colorsys
import re
from types import MappingProxyType

from PIL import ImageColor

__all__ = ["MORE_OF", "ROWS", "css_names", "is_colour_name", "name_of", "parse_code", "shade", "tint_direction"]

ROWS = """
#ff0000 | red, reddish, scarlet | 红色, 红, 大红, 鲜红, 鲜红色 | rot | rojo, roja, rojos, rojas | rouge
#008000 | green, greenish | 绿色, 绿, 翠绿, 翠绿色 | grün | verde, verdes | vert, verte, verts, vertes
#0000ff | blue, bluish | 蓝色, 蓝 | blau | azul, azules | bleu, bleue, bleus, bleues
#ffff00 | yellow, yellowish | 黄色, 黄 | gelb | amarillo, amarilla, amarillos, amarillas | jaune
#ffa500 | orange | 橙色, 橙, 橘色, 橘黄色, 橘红色 | orange, orangefarben | naranja, anaranjado, anaranjada | orange
#800080 | purple | 紫色, 紫 | lila, purpur, purpurn | morado, morada, púrpura | pourpre
#ee82ee | violet | 紫罗兰色 | violett | violeta | violet, violette
#ffc0cb | pink, pinkish | 粉色, 粉红色, 粉红, 粉 | rosa, pink | rosa, rosado, rosada | rose
#a52a2a | brown, brownish | 棕色, 褐色, 咖啡色, 棕 | braun | marrón, café claro | marron, brun, brune
#000000 | black | 黑色, 黑 | schwarz | negro, negra, negros, negras | noir, noire
#ffffff | white | 白色, 白, 纯白 | weiß, weiss | blanco, blanca, blancos, blancas | blanc, blanche
#808080 | gray, grey, greyish | 灰色, 灰 | grau | gris | gris, grise
#ffd700 | gold, golden | 金色, 金黄色 | gold, golden | dorado, dorada | doré, dorée
#c0c0c0 | silver, silvery | 银色, 银白色 | silber, silbern | plateado, plateada | argenté, argentée
#40e0d0 | turquoise | 青绿色, 绿松石色 | türkis | turquesa | turquoise
#00ffff | cyan | 青色, 青 | cyan | cian | cyan
#ff00ff | magenta | 品红色, 洋红色, 洋红 | magenta | magenta | magenta
#000080 | navy, navy blue | 藏青色, 海军蓝, 深蓝色 | marineblau, dunkelblau | azul marino | bleu marine
#f5f5dc | beige, cream, cream coloured | 米色, 米白色 | beige, cremefarben | beis, beige, crema | beige, crème
#008080 | teal | 蓝绿色 | petrol, blaugrün | verde azulado | sarcelle
#800000 | maroon, burgundy | 栗色, 酒红色, 酒红 | weinrot, bordeaux, bordeauxrot | granate, burdeos | bordeaux
#808000 | olive, olive green | 橄榄色, 橄榄绿 | oliv, olivgrün | oliva, verde oliva | olive, vert olive
#e6e6fa | lavender | 薰衣草色, 淡紫色 | lavendel | lavanda | lavande
#ff7f50 | coral | 珊瑚色 | koralle, korallenrot | coral | corail
#87ceeb | sky blue | 天蓝色, 天蓝 | himmelblau | celeste, azul cielo | bleu ciel
#add8e6 | light blue, baby blue | 浅蓝色, 淡蓝色, 浅蓝, 淡蓝 | hellblau | azul claro | bleu clair
#90ee90 | light green | 浅绿色, 淡绿色, 浅绿 | hellgrün | verde claro | vert clair
#00008b | dark blue | 暗蓝色, 深蓝 | tiefblau | azul oscuro | bleu foncé
#006400 | dark green | 深绿色, 墨绿色, 深绿, 暗绿色 | dunkelgrün | verde oscuro | vert foncé
#8b0000 | dark red, blood red | 深红色, 暗红色, 深红, 暗红 | dunkelrot | rojo oscuro | rouge foncé
#e6be6e | blonde, blond | 金发色, 亚麻色 | blond, blonde | rubio, rubia | blond, blonde
#555555 | dark gray, dark grey, charcoal | 深灰色, 深灰, 暗灰色 | dunkelgrau, anthrazit | gris oscuro | gris foncé, anthracite
#d3d3d3 | light gray, light grey | 浅灰色, 浅灰, 淡灰色 | hellgrau | gris claro | gris clair
#ffff99 | light yellow | 浅黄色, 淡黄色, 鹅黄色 | hellgelb | amarillo claro | jaune clair
#ffb6c1 | light pink | 浅粉色, 淡粉色 | hellrosa | rosa claro | rose clair
#ff1493 | hot pink, deep pink | 玫红色, 玫红, 深粉色 | knallpink | rosa fuerte, fucsia | rose vif, fuchsia
#4169e1 | royal blue | 宝蓝色, 宝石蓝 | königsblau | azul real | bleu roi
#50c878 | emerald, emerald green | 祖母绿 | smaragdgrün | verde esmeralda, esmeralda | vert émeraude, émeraude
#ff6ec7 | neon pink | 荧光粉 | neonpink | rosa neón | rose fluo
#39ff14 | neon green | 荧光绿 | neongrün | verde neón | vert fluo
#98ff98 | mint, mint green | 薄荷绿 | mintgrün, mint | verde menta, menta | vert menthe
#c8a2c8 | lilac | 丁香色 | flieder | lila | lilas
#e2725b | terracotta | 砖红色 | terrakotta, ziegelrot | terracota | terre cuite
""".strip()
"""``#rrggbb | English | Chinese | German | Spanish | French``; English rows come on top of the names of CSS."""

MORE_OF = MappingProxyType({"#0000ff": "#1e90ff"})
"""What more of a colour moves towards, where that is not the colour: the blue of CSS has the hue of violet in Lab."""

_HEX = re.compile(r"#([0-9a-f]{6}|[0-9a-f]{3})\Z")
_RGB = re.compile(r"rgb\s*\(\s*(\d{1,3})\s*[, ]\s*(\d{1,3})\s*[, ]\s*(\d{1,3})\s*\)\Z")


def css_names() -> dict[str, str]:
    """Return the 148 named colours of CSS Color Module 4 as ``name: #rrggbb`` (source: Pillow's table)."""
    return {name: str(value)[:7].lower() for name, value in ImageColor.colormap.items()}


def is_colour_name(text: str) -> bool:
    """Return whether CSS knows the name."""
    return text in ImageColor.colormap


def parse_code(text: str) -> str | None:
    """Return ``#rrggbb`` of ``#rgb``, ``#rrggbb`` or ``rgb(r, g, b)``, or None when it is none of these."""
    text = text.lower()
    if match := _HEX.match(text):
        digits = match.group(1)
        return "#" + (digits if len(digits) == 6 else "".join(d * 2 for d in digits))
    if match := _RGB.match(text):
        values = [int(v) for v in match.groups()]
        return None if max(values) > 255 else "#{:02x}{:02x}{:02x}".format(*values)
    return None


def shade(colour: str, which: str) -> str:
    """Return a shade of a colour.

    Args:
        colour: ``#rrggbb``.
        which: ``dark`` (HLS lightness x 0.55), ``light`` (half way to white) or ``vivid`` (full saturation).
    """
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    if which == "dark":
        lightness *= 0.55
    elif which == "light":
        lightness += (1 - lightness) / 2
    elif saturation > 0:
        saturation, lightness = 1.0, min(max(lightness, 0.4), 0.6)
    values = colorsys.hls_to_rgb(hue, lightness, saturation)
    return "#{:02x}{:02x}{:02x}".format(*(round(v * 255) for v in values))


def tint_direction(colour: str) -> int:
    """Return +1 for a warm cast (yellow, orange, red), -1 for a cold one (blue, cyan), 0 for one that is neither."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    if max(red, green, blue) - min(red, green, blue) < 40:
        return 0
    if blue > red + 30 and blue >= green:
        return -1
    return 1 if red > blue + 30 and red >= green else 0


def name_of(code: str) -> str:
    """Return the English name of a colour: the table's, else that of CSS, else the code itself."""
    return _NAMES.get(code, code)


_NAMES = {code: name for name, code in reversed(css_names().items())} | {
    row.split("|")[0].strip(): row.split("|")[1].split(",")[0].strip() for row in ROWS.splitlines()
}
