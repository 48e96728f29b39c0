# ruff: noqa: E501 - the same key in five languages is easier to compare unwrapped
"""Refusals and critiques, in the user's language; `wording` has the sentences of the plan."""

from __future__ import annotations

from reasonedit_agent.errors import Unsupported
from reasonedit_agent.reasoners.embedded.grammar.concepts import BACKEND, REASONS

__all__ = ["BY_REGION", "language_of", "reason", "refusal", "say"]

_SAID: dict[str, dict[str, str]] = {
    "en": {
        "absent": "There is no {} that I can find in the picture; {}", "absent_many": "There are no {} that I can find in the picture; {}",
        "seen": "I see: {}.", "nothing": "I recognise nothing in it by name.", "elsewhere": "There is no {0} {1}: I see one {0}, and it is {2}.",
        "elsewhere_many": "There is no {0} {1}: I see several, the clearest {2}.",
        "left": "on the left", "right": "on the right", "top": "at the top", "bottom": "at the bottom", "centre": "in the middle",
        "name": "Name it otherwise, or say where it is ({}).", "where": "Say where it is ({}).", "no_area": "No area is selected.",
        "two_guesses": "I cannot tell the {} from the {} in the picture; I know neither by its name.", "one_at_a_time": "Edit one at a time, and say where it is ({}).",
        "inseparable": "The {} that is to stay as it is cannot be told apart in the picture; {}", "name_kept": "Name it otherwise, or say where to edit ({}).",
        "opposite": "“{}” and “{}” on the same place are opposites: one undoes the other.", "which": "Say which of the two you want.",
        "cut_away": "The {} that is to stay as it is would be lost: “{}” cuts it away.", "crop_else": "Choose another frame, or do not keep it.",
        "turned": "The {} cannot stay as it is while all of the picture is changed: “{}” moves it too.", "drop_one": "Leave out one of the two.",
        "cannot": "“{}” cannot be done here: {}.", "needs": "It needs {}.", "unclear": "I do not understand “{}”.", "example": "Say for example: {}.",
        "idle": "There is nothing to do: “{}” asks for no change.", "idle_example": "Say what is to change, for example: {}.",
        "no_operation": "The tool cannot do “{}”: it has no operation {}.", "other_tool": "Take a tool that has it, such as tool=classical.",
        "no": "{} No: {}.", "unchanged": "The picture is unchanged.", "rest": "The rest was not kept or is damaged: {}.",
        "done": "All {} step(s) are done: {}. Elsewhere: {}.",
        "guess": "The place of “{}” was a guess: it is not recognised by its name, and what stands out was taken for it; name it otherwise, or say where it is ({}).",
    },
    "zh": {
        "absent": "在图片中找不到{}；{}", "seen": "我看到：{}。", "nothing": "我认不出其中的任何东西。", "elsewhere": "{1}没有{0}：我只看到一个{0}，{2}。",
        "elsewhere_many": "{1}没有{0}：我看到几个，最清楚的{2}。",
        "left": "在左边", "right": "在右边", "top": "在上方", "bottom": "在下方", "centre": "在中间",
        "name": "请换个说法，或指出它的位置（{}）。", "where": "请指出位置（{}）。", "no_area": "没有选定区域。",
        "two_guesses": "在图片中无法区分{}和{}；这两个名称我都不认识。", "one_at_a_time": "请一次只编辑一个，并指出它的位置（{}）。",
        "inseparable": "要保持不变的{}在图片中无法分辨；{}", "name_kept": "请换个说法，或指出编辑的位置（{}）。",
        "opposite": "同一处的“{}”和“{}”互相矛盾，会互相抵消。", "which": "请说明要哪一个。",
        "cut_away": "要保持不变的{}会丢失：“{}”会把它裁掉。", "crop_else": "请换一个裁剪范围，或不要求保留它。",
        "turned": "整张图片改变时，{}无法保持不变：“{}”也会移动它。", "drop_one": "请去掉其中一个要求。",
        "cannot": "这里无法做到“{}”：{}。", "needs": "需要{}。", "unclear": "我不明白“{}”。", "example": "例如可以说：{}。",
        "idle": "没有要做的事：“{}”没有要求任何改变。", "idle_example": "请说明要改变什么，例如：{}。",
        "no_operation": "该工具做不到“{}”：它没有 {} 这个操作。", "other_tool": "请使用支持它的工具，例如 tool=classical。",
        "no": "{} 否{}。", "unchanged": "图片没有变化。", "rest": "其余部分没有保持原样或被损坏（{}）。", "done": "全部 {} 个步骤已完成。",
        "guess": "“{}”的位置是猜的：按名称认不出它，用了画面中最突出的部分；请换个说法，或指出它的位置（{}）。",
    },
    "de": {
        "absent": "Das finde ich im Bild nicht: {}. {}", "seen": "Ich sehe: {}.", "nothing": "Ich erkenne darin nichts mit Namen.", "elsewhere": "Das finde ich {1} nicht: {0}. Ich sehe es nur einmal, und zwar {2}.",
        "elsewhere_many": "Das finde ich {1} nicht: {0}. Ich sehe mehrere, am deutlichsten {2}.",
        "left": "links", "right": "rechts", "top": "oben", "bottom": "unten", "centre": "in der Mitte",
        "name": "Benennen Sie es anders, oder sagen Sie, wo es ist ({}).", "where": "Sagen Sie, wo es ist ({}).", "no_area": "Kein Bereich ist ausgewählt.",
        "two_guesses": "Das kann ich im Bild nicht unterscheiden: {} und {}; beides kenne ich nicht mit Namen.", "one_at_a_time": "Bearbeiten Sie eines nach dem anderen, und sagen Sie, wo es ist ({}).",
        "inseparable": "Was unverändert bleiben soll, ist im Bild nicht zu unterscheiden: {}. {}", "name_kept": "Benennen Sie es anders, oder sagen Sie, wo bearbeitet werden soll ({}).",
        "opposite": "„{}“ und „{}“ an derselben Stelle sind Gegensätze: Eines hebt das andere auf.", "which": "Sagen Sie, welches von beiden Sie wollen.",
        "cut_away": "Was unverändert bleiben soll, ginge verloren: {}; „{}“ schneidet es weg.", "crop_else": "Wählen Sie einen anderen Ausschnitt, oder verzichten Sie darauf, es zu behalten.",
        "turned": "Das kann nicht unverändert bleiben, wenn sich das ganze Bild ändert: {}; „{}“ bewegt es mit.", "drop_one": "Lassen Sie eines von beiden weg.",
        "cannot": "„{}“ geht hier nicht: {}.", "needs": "Dafür braucht es {}.", "unclear": "Das verstehe ich nicht: „{}“.", "example": "Sagen Sie zum Beispiel: {}.",
        "idle": "Es gibt nichts zu tun: „{}“ verlangt keine Änderung.", "idle_example": "Sagen Sie, was sich ändern soll, zum Beispiel: {}.",
        "no_operation": "Das Werkzeug kann „{}“ nicht: Ihm fehlt die Operation {}.", "other_tool": "Nehmen Sie ein Werkzeug, das sie hat, etwa tool=classical.",
        "no": "{} Nein{}.", "unchanged": "Das Bild ist unverändert.", "rest": "Der Rest blieb nicht, wie er war, oder ist beschädigt ({}).", "done": "Alle {} Schritte sind getan.",
        "guess": "Die Stelle von „{}“ ist geraten: Mit Namen erkenne ich es nicht, und als solches galt, was hervorsticht; benennen Sie es anders, oder sagen Sie, wo es ist ({}).",
    },
    "es": {
        "absent": "No encuentro en la imagen: {}. {}", "seen": "Veo: {}.", "nothing": "No reconozco nada por su nombre.", "elsewhere": "No encuentro {1}: {0}. Solo lo veo una vez, y está {2}.",
        "elsewhere_many": "No encuentro {1}: {0}. Veo varios, con más claridad {2}.",
        "left": "a la izquierda", "right": "a la derecha", "top": "arriba", "bottom": "abajo", "centre": "en el centro",
        "name": "Use otro nombre o diga dónde está ({}).", "where": "Diga dónde está ({}).", "no_area": "No hay ninguna zona seleccionada.",
        "two_guesses": "No puedo distinguir en la imagen: {} y {}; no conozco ninguno por su nombre.", "one_at_a_time": "Edite uno cada vez y diga dónde está ({}).",
        "inseparable": "Lo que debe quedar igual no se distingue en la imagen: {}. {}", "name_kept": "Use otro nombre o diga dónde editar ({}).",
        "opposite": "«{}» y «{}» en el mismo sitio son opuestos: uno deshace el otro.", "which": "Diga cuál de los dos quiere.",
        "cut_away": "Lo que debe quedar igual se perdería: {}; «{}» lo recorta.", "crop_else": "Elija otro encuadre o no pida conservarlo.",
        "turned": "No puede quedar igual si cambia toda la imagen: {}; «{}» también lo mueve.", "drop_one": "Quite una de las dos cosas.",
        "cannot": "«{}» no se puede hacer aquí: {}.", "needs": "Hace falta {}.", "unclear": "No entiendo «{}».", "example": "Diga por ejemplo: {}.",
        "idle": "No hay nada que hacer: «{}» no pide ningún cambio.", "idle_example": "Diga qué debe cambiar, por ejemplo: {}.",
        "no_operation": "La herramienta no puede hacer «{}»: no tiene la operación {}.", "other_tool": "Use una herramienta que la tenga, como tool=classical.",
        "no": "{} No{}.", "unchanged": "La imagen no ha cambiado.", "rest": "El resto no quedó igual o está dañado ({}).", "done": "Los {} pasos están hechos.",
        "guess": "El lugar de «{}» es una suposición: no se reconoce por su nombre, y se tomó por ello lo que más destaca; use otro nombre o diga dónde está ({}).",
    },
    "fr": {
        "absent": "Je ne trouve pas dans l'image : {}. {}", "seen": "Je vois : {}.", "nothing": "Je n'y reconnais rien par son nom.", "elsewhere": "Je ne trouve pas {1} : {0}. Je ne le vois qu'une fois, et c'est {2}.",
        "elsewhere_many": "Je ne trouve pas {1} : {0}. J'en vois plusieurs, le plus nettement {2}.",
        "left": "à gauche", "right": "à droite", "top": "en haut", "bottom": "en bas", "centre": "au milieu",
        "name": "Nommez-le autrement ou dites où il est ({}).", "where": "Dites où il est ({}).", "no_area": "Aucune zone n'est sélectionnée.",
        "two_guesses": "Je ne peux pas distinguer dans l'image : {} et {} ; je ne connais ni l'un ni l'autre par son nom.", "one_at_a_time": "Modifiez-les un par un et dites où ils sont ({}).",
        "inseparable": "Ce qui doit rester tel quel ne se distingue pas dans l'image : {}. {}", "name_kept": "Nommez-le autrement ou dites où modifier ({}).",
        "opposite": "« {} » et « {} » au même endroit sont opposés : l'un défait l'autre.", "which": "Dites lequel des deux vous voulez.",
        "cut_away": "Ce qui doit rester tel quel serait perdu : {} ; « {} » le coupe.", "crop_else": "Choisissez un autre cadrage ou ne demandez pas de le garder.",
        "turned": "Cela ne peut pas rester tel quel si toute l'image change : {} ; « {} » le déplace aussi.", "drop_one": "Renoncez à l'un des deux.",
        "cannot": "« {} » n'est pas possible ici : {}.", "needs": "Il faut {}.", "unclear": "Je ne comprends pas « {} ».", "example": "Dites par exemple : {}.",
        "idle": "Il n'y a rien à faire : « {} » ne demande aucun changement.", "idle_example": "Dites ce qui doit changer, par exemple : {}.",
        "no_operation": "L'outil ne sait pas faire « {} » : il n'a pas l'opération {}.", "other_tool": "Prenez un outil qui l'a, comme tool=classical.",
        "no": "{} Non{}.", "unchanged": "L'image est inchangée.", "rest": "Le reste n'est pas resté tel quel ou est abîmé ({}).", "done": "Les {} étapes sont faites.",
        "guess": "L'endroit de « {} » est deviné : il n'est pas reconnu par son nom, et ce qui ressort a été pris pour lui ; nommez-le autrement ou dites où il est ({}).",
    },
}  # fmt: skip

BY_REGION = "region=..., --region left,top,right,bottom"
"""How a place is given."""

_REASONS: dict[str, tuple[str, str, str, str]] = {
    "season": ("改变季节或天气需要生成新内容", "eine andere Jahreszeit oder anderes Wetter braucht neue Inhalte", "cambiar la estación o el tiempo requiere contenido nuevo", "changer la saison ou la météo demande un contenu nouveau"),
    "time": ("改变一天中的时间需要新内容和新光线", "eine andere Tageszeit braucht neue Inhalte und neues Licht", "cambiar la hora del día requiere contenido y luz nuevos", "changer l'heure du jour demande un contenu et une lumière nouveaux"),
    "pose": ("改变姿势或表情需要生成新内容", "eine andere Haltung oder Miene braucht neue Inhalte", "cambiar una pose o un gesto requiere contenido nuevo", "changer une pose ou une expression demande un contenu nouveau"),
    "age": ("改变人物的样貌需要生成新内容", "ein anderes Aussehen von Personen braucht neue Inhalte", "cambiar el aspecto de una persona requiere contenido nuevo", "changer l'apparence d'une personne demande un contenu nouveau"),
    "material": ("改变材质需要生成新内容", "ein anderes Material braucht neue Inhalte", "cambiar el material requiere contenido nuevo", "changer la matière demande un contenu nouveau"),
    "artist": ("特定画家或媒介的风格需要生成模型", "der Stil eines Künstlers oder einer Technik braucht ein generatives Modell", "el estilo de un artista o de una técnica requiere un modelo generativo", "le style d'un artiste ou d'une technique demande un modèle génératif"),
    "extend": ("扩展画面需要生成新内容", "das Bild zu erweitern braucht neue Inhalte", "ampliar el encuadre requiere contenido nuevo", "agrandir le cadre demande un contenu nouveau"),
    "move": ("移动物体需要在原处和新处生成新内容", "etwas zu verschieben braucht neue Inhalte", "mover cosas requiere contenido nuevo", "déplacer des choses demande un contenu nouveau"),
    "restore": ("修复、上色或重新打光需要训练过的模型", "Restaurieren, Kolorieren oder neues Licht braucht ein trainiertes Modell", "restaurar, colorear o iluminar de nuevo requiere un modelo entrenado", "restaurer, coloriser ou rééclairer demande un modèle entraîné"),
    "angle": ("改变拍摄角度需要生成新内容", "ein anderer Blickwinkel braucht neue Inhalte", "otro ángulo de cámara requiere contenido nuevo", "un autre angle de vue demande un contenu nouveau"),
    "video": ("动态画面不是图片编辑", "ein bewegtes Bild ist keine Bildbearbeitung", "una imagen en movimiento no es una edición de imagen", "une image animée n'est pas une retouche"),
    "generate": ("生成新内容需要生成模型", "neue Inhalte brauchen ein generatives Modell", "crear contenido nuevo requiere un modelo generativo", "créer un contenu nouveau demande un modèle génératif"),
    "add": ("添加物体需要生成新内容", "etwas hinzuzufügen braucht neue Inhalte", "añadir cosas requiere contenido nuevo", "ajouter des choses demande un contenu nouveau"),
    "swap": ("把一样东西换成另一样需要生成新内容", "eines durch etwas anderes zu ersetzen braucht neue Inhalte", "sustituir una cosa por otra requiere contenido nuevo", "remplacer une chose par une autre demande un contenu nouveau"),
    "scene": ("把背景换成新场景需要生成新内容；纯色、渐变或参考照片可以", "eine neue Szene als Hintergrund braucht neue Inhalte; Farbe, Verlauf oder Referenzfoto gehen", "una escena nueva de fondo requiere contenido nuevo; un color, un degradado o una foto de referencia sí es posible", "une nouvelle scène en fond demande un contenu nouveau ; une couleur, un dégradé ou une photo de référence est possible"),
    "count": ("无法按数量区分物体；请用位置、大小或颜色说明是哪一个", "Dinge werden nicht durch Zählen unterschieden; nennen Sie Ort, Größe oder Farbe", "no se distinguen cosas contándolas; diga su lugar, tamaño o color", "les choses ne se distinguent pas en les comptant ; dites le lieu, la taille ou la couleur"),
    "correction": ("不清楚改正的是前面哪个要求；请只说最后想要什么", "es ist unklar, welcher Wunsch berichtigt wird; sagen Sie nur, was Sie am Ende wollen", "no está claro qué deseo se corrige; diga solo lo que quiere al final", "on ne sait pas quel souhait est corrigé ; dites seulement ce que vous voulez à la fin"),
    "wording": ("没有给出要写的文字；请用引号标出", "die zu schreibenden Worte fehlen; setzen Sie sie in Anführungszeichen", "faltan las palabras que escribir; póngalas entre comillas", "les mots à écrire manquent ; mettez-les entre guillemets"),
    "text": ("改写图中的文字需要生成新内容", "Text im Bild umzuschreiben braucht neue Inhalte", "reescribir el texto de la imagen requiere contenido nuevo", "réécrire le texte de l'image demande un contenu nouveau"),
    "object_size": ("改变图中物体的大小需要生成新内容", "die Größe eines Dings im Bild zu ändern braucht neue Inhalte", "cambiar el tamaño de algo en la imagen requiere contenido nuevo", "changer la taille d'une chose dans l'image demande un contenu nouveau"),
    "reference": ("没有可以取用的参考照片", "es gibt kein Referenzfoto, aus dem es zu nehmen wäre", "no hay foto de referencia de donde tomarlo", "il n'y a pas de photo de référence où le prendre"),
    "geometry": ("移动或旋转图片的一部分需要生成新内容", "einen Teil des Bildes zu bewegen oder zu drehen braucht neue Inhalte", "mover o girar una parte de la imagen requiere contenido nuevo", "déplacer ou tourner une partie de l'image demande un contenu nouveau"),
}  # fmt: skip
_BACKEND = ("能按指令编辑的扩散模型作为工具", "ein Diffusionsmodell, das nach Anweisungen bearbeitet, als Werkzeug", "un modelo de difusión que edite por instrucciones como herramienta", "un modèle de diffusion qui retouche selon des instructions comme outil")  # fmt: skip
_ORDER = ("zh", "de", "es", "fr")


def language_of(code: str) -> str:
    """Return the language to answer in: the user's, where there are sentences in it, else English."""
    return code if code in _SAID else "en"


def say(key: str, language: str, *values: object) -> str:
    """Return a sentence in a language (English for one that has none), with values in its gaps."""
    return _SAID[language_of(language)][key].format(*values)


def reason(text: str, language: str) -> str:
    """Return a reason or the kind of backend of the grammar, given in English, in a language where it is known."""
    if language not in _ORDER:
        return text
    if text == BACKEND:
        return _BACKEND[_ORDER.index(language)]
    keys = [key for key, said in REASONS.items() if said == text and key in _REASONS]
    return _REASONS[keys[0]][_ORDER.index(language)] if keys else text


def refusal(language: str, message: tuple[object, ...], hint: tuple[object, ...] = ("",)) -> Unsupported:
    """Return the error to raise; message and hint are a key of the sentences and what goes into its gaps."""
    (key, *values), (hint_key, *hint_values) = message, hint
    said = say(str(hint_key), language, *hint_values) if hint_key else ""
    return Unsupported(say(str(key), language, *values), hint=said)
