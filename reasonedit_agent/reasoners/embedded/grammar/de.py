"""German: which words mean which concept, for simple requests. The keys are explained in `concepts.py`."""

__all__ = ["ENDINGS", "WORDS"]

ENDINGS = (("e", ""), ("en", ""), ("er", ""), ("es", ""), ("em", ""), ("n", ""), ("s", ""), ("", "e"), ("", "en"))

WORDS = {
    "do:make": (
        "mach, mache, machen, gib, soll, sollte, stell, stelle, stellen, bring, bringe, setz, setze, haben, hätte, sein"
    ),
    "do:turn": "verwandle, verwandeln, wandle, wandle um, umwandeln, konvertiere, konvertieren",
    "do:change": (
        "ändere, ändern, verändere, verändern, wechsle, wechseln, bearbeite, berühre, berühren, anfassen, fass, "
        "zu ändern, zu verändern, änder, veränder"
    ),
    "do:recolour": "färbe, färben, färb, male, malen, streiche, umfärben, einfärben, lackiere, tönen",
    "do:put": "lege, platziere, setzen, stelle sie, packe",
    "do:add": "füge, hinzufügen, füge hinzu, ergänze, einfügen, hinzu, füge ein, zeichne, hinzuzufügen",
    "do:write": (
        "schreibe, schreib, schreiben, beschrifte, text hinzufügen, füge den text, füge text, beschriften, "
        "mit dem text, mit der aufschrift, den text hinzufügen"
    ),
    "do:remove": (
        "entferne, entfernen, lösche, löschen, entfern, lösch, radiere, weg, wegmachen, entfernt, tilge, "
        "lass verschwinden, verschwinden, wegretuschieren, retuschiere, beseitige"
    ),
    "do:cutout": (
        "freistellen, stelle frei, freigestellt, ausschneiden, entferne den hintergrund, hintergrund entfernen, "
        "den hintergrund entfernen, lösche den hintergrund, transparenter hintergrund, hintergrund transparent, "
        "den hintergrund transparent, transparent, freisteller, stell frei, ohne hintergrund, "
        "den hintergrund weg, transparenten hintergrund, hintergrund löschen, den hintergrund löschen"
    ),
    "do:replace": "ersetze, ersetzen, tausche, austauschen, tauschen, ersetz, tausche aus",
    "do:crop": (
        "zuschneiden, schneide, schneiden, beschneide, beschneiden, schneid, zuschnitt, zugeschnitten, "
        "schneide zu, zu schneiden"
    ),
    "do:resize": (
        "skaliere, skalieren, größe ändern, ändere die größe, verkleinern auf, ändere die größe auf, "
        "die größe ändern, skalier, ändere die bildgröße"
    ),
    "do:shrink": "verkleinere, verkleinern, verkleiner",
    "do:upscale": (
        "vergrößere, vergrößern, hochskalieren, hochskaliere, höhere auflösung, auflösung erhöhen, "
        "erhöhe die auflösung, skaliere hoch, upscale, vergrößer, die auflösung erhöhen"
    ),
    "do:rotate": "drehe, drehen, rotiere, rotieren, dreh, kippe, gedreht",
    "do:flip": "spiegle, spiegeln, spiegele, kippen, gespiegelt, spiegel",
    "do:redact": "anonymisiere, anonymisieren, unkenntlich, zensiere, zensieren, schwärze, unlesbar, verdecke",
    "do:blackout": "schwärzen",
    "do:pixelate": "verpixeln, verpixele, verpixle, pixeln, pixelig, verpixelt, mosaik, verpixel",
    "do:blur": (
        "unscharf, verschwommen, weichzeichnen, unschärfer, weichzeichne, verwischen, verwische, weicher, "
        "blurren, verschwimmen, unscharfer"
    ),
    "do:bokeh": (
        "porträtmodus, hintergrundunschärfe, bokeh, unscharfer hintergrund, geringe schärfentiefe, "
        "unscharfen hintergrund"
    ),
    "do:sharpen": "schärfe, schärfen, schärfer, nachschärfen, scharf, schärf, scharfzeichnen, schärfe nach",
    "do:bw": (
        "schwarzweiß, schwarz weiß, schwarz-weiß, schwarz und weiß, graustufen, sw, monochrom, schwarz weiss, "
        "schwarzweiss, in schwarz weiß, schwarzweißbild, farblos"
    ),
    "do:sepia": (
        "sepia, altes foto, alten foto, vintage, nostalgisch, retro, altes bild, alte fotografie, "
        "ein altes foto, antik, auf alt"
    ),
    "do:vignette": "vignette, dunkle ecken, abgedunkelte ecken, dunkle ränder",
    "do:denoise": "rauschen, körnung",
    "more:#0000ff": "blauer",
    "more:#ff0000": "röter",
    "more:#008000": "grüner",
    "more:#ffff00": "gelber",
    "dir:+": (
        "mehr, erhöhe, erhöhen, steigere, verstärke, verstärken, höher, stärker, hebe, erhöh, anheben, "
        "kräftiger, steigern, etwas mehr"
    ),
    "dir:-": (
        "weniger, verringere, verringern, reduziere, reduzieren, senke, senken, vermindere, schwächer, "
        "niedriger, runter, reduzier, verringer"
    ),
    "adj:brightness:+": (
        "heller, aufhellen, helle, erhelle, helle auf, aufgehellt, hell auf, aufzuhellen, erhellen, "
        "nicht so dunkel, weniger dunkel"
    ),
    "adj:brightness:-": (
        "dunkler, abdunkeln, verdunkle, verdunkeln, dunkle, dunkle ab, düsterer, nicht so hell, weniger hell, dunkel ab"
    ),
    "adj:contrast:+": "kontrastreicher, knackiger, kontrastreich",
    "adj:contrast:-": "flacher, kontrastärmer",
    "adj:saturation:+": (
        "kräftigere farben, bunter, lebendiger, leuchtender, gesättigter, farbenfroher, lebhafter, bunt, "
        "farbiger, farbenprächtiger, leuchten, satter, lebendig, kräftigeren farben"
    ),
    "adj:saturation:-": "blasser, entsättigen, entsättige, entsättigt, matter, weniger bunt, gedämpfter",
    "adj:warmth:+": "wärmer, warm, wärmere farben, wärmere, weniger kalt, wärmeren farben",
    "adj:warmth:-": "kühler, kälter, kühlere, kältere, weniger gelb, weniger warm",
    "state:brightness:-": "dunkel, düster, finster",
    "state:brightness:+": "hell, grell",
    "state:contrast:-": "flau, flach, kontrastarm",
    "state:saturation:-": "blass, farbarm, trist",
    "state:saturation:+": "knallig, übersättigt",
    "state:warmth:-": "kalt, kühl, gelbarm, blaustichig",
    "state:warmth:+": "gelbstichig",
    "state:exposure:-": "unterbelichtet",
    "state:exposure:+": "überbelichtet",
    "prop:brightness": "helligkeit",
    "prop:contrast": "kontrast, kontraste",
    "prop:saturation": "sättigung, farbsättigung, farben, farbintensität",
    "prop:colour": "farbe",
    "prop:warmth": "wärme, farbtemperatur",
    "prop:exposure": "belichtung",
    "prop:sharpness": "bildschärfe, details, klarheit",
    "prop:blur": "unschärfe",
    "prop:size": "größe, auflösung, bildgröße",
    "complain:is": "ist, es ist, sieht, wirkt, sind, das bild ist, aussehen, erscheint",
    "complain:too": "zu dunkel gewesen, viel zu, allzu, etwas zu",
    "complain:enough": "genug, zu wenig",
    "strength:0.4": (
        "etwas, leicht, ein bisschen, bisschen, ein wenig, wenig, minimal, dezent, sanft, ein klein wenig, "
        "geringfügig, ein kleines bisschen"
    ),
    "strength:0.6": "nicht zu viel, nicht zu sehr, nicht zu stark, aber nicht zu sehr, mäßig",
    "strength:1.7": "viel, sehr, stark, deutlich, richtig, wesentlich, erheblich, kräftig",
    "strength:2.2": "extrem, völlig, komplett, total, ganz, vollständig, maximal, drastisch",
    "mult:2": "doppelt, verdopple, zweimal, doppelte, verdoppeln, doppelt so, zweifach, das doppelte",
    "mult:3": "dreimal, dreifach, dreifache",
    "mult:4": "viermal, vierfach, vierfache",
    "mult:0.5": "halbe, halb, hälfte, halbiere, halbieren, die hälfte, um die hälfte, halb so",
    "mult:0.25": "viertel, ein viertel",
    "mult:0.3333": "ein drittel, drittel",
    "mult:0.6667": "zwei drittel",
    "mult:0.75": "drei viertel, dreiviertel",
    "mult:0.2": "fünftel, ein fünftel",
    "num:2": "zwei",
    "num:3": "drei",
    "num:5": "fünf",
    "num:10": "zehn",
    "num:15": "fünfzehn",
    "num:20": "zwanzig",
    "num:30": "dreißig",
    "num:45": "fünfundvierzig",
    "num:50": "fünfzig",
    "num:90": "neunzig",
    "num:180": "hundertachtzig",
    "unit:percent": "prozent, %",
    "unit:px": "px, pixel",
    "unit:degree": "grad, °",
    "unit:stop": "blende, blenden, ev, blendenstufen",
    "unit:megapixel": "megapixel, mp",
    "unit:times": "mal, fach, ×",
    "dim:width": "breit, breite",
    "dim:height": "hoch, höhe",
    "dim:long": "lange seite, längste seite, längere seite",
    "dim:short": "kurze seite, kürzeste seite",
    "size:small": "klein, kleine, kleiner, winzig",
    "size:big": "groß, große, größer, großer",
    "size:huge": "riesig, riesige, sehr groß",
    "dim:thumbnail": "vorschaubild",
    "place:top-left": (
        "oben links, links oben, linke obere ecke, linken oberen ecke, obere linke ecke, oberen linken ecke"
    ),
    "place:top": "oben, am oberen rand, obere, oberer",
    "place:top-right": "oben rechts, rechts oben, rechten oberen ecke, obere rechte ecke, oberen rechten ecke",
    "place:left": "links, linke, linken, nach links, linker, auf der linken seite",
    "place:center": "mitte, in der mitte, zentrum, zentriert",
    "place:right": "rechts, rechte, rechten, nach rechts, rechter, auf der rechten seite",
    "place:bottom-left": "unten links, links unten, linken unteren ecke, untere linke ecke, unteren linken ecke",
    "place:bottom": "unten, am unteren rand, untere, unterer",
    "place:bottom-right": (
        "unten rechts, rechts unten, rechten unteren ecke, untere rechte ecke, ecke, unteren rechten ecke"
    ),
    "turn:90": "im uhrzeigersinn",
    "turn:-90": "gegen den uhrzeigersinn",
    "turn:180": "auf den kopf, kopfüber",
    "axis:horizontal": "horizontal, waagerecht, waagrecht",
    "axis:vertical": "vertikal, senkrecht",
    "ratio:1:1": "quadrat, quadratisch, quadratisches",
    "ratio:16:9": "breitbild",
    "ratio:4:5": "hochformat",
    "ratio:3:2": "querformat",
    "shade:dark": "dunkles, dunkleres, tiefes, dunklen",
    "shade:light": "helles, helleres, blasses, hellen, zartes",
    "shade:vivid": "leuchtendes, knalliges, kräftiges",
    "style:painting": "gemälde, ölgemälde, aquarell, malerei, gemalt",
    "style:pencil": "bleistiftzeichnung, zeichnung, skizze, bleistift, gezeichnet",
    "style:cartoon": "cartoon, comic, zeichentrick",
    "fill:gradient": "verlauf, farbverlauf",
    "fill:reference": (
        "anderes foto, andere foto, andere bild, zweite bild, zweite foto, referenz, referenzbild, anderen foto, "
        "zweiten bild, zweiten foto, anderen bild, referenzfoto"
    ),
    "fill:plain": "einfarbig",
    "keep:keep": (
        "behalte, behalten, lass, lasse, lassen, erhalte, bewahre, belasse, bleiben, bleibt, beibehalten, soll bleiben"
    ),
    "keep:same": (
        "unverändert, wie es ist, wie er ist, wie sie ist, in ruhe, so wie es ist, gleich, so wie er ist, "
        "so wie sie ist"
    ),
    "neg:not": "nicht, ohne, kein, keine, keinen, niemals",
    "except:": "außer, bis auf, ausgenommen, mit ausnahme von, abgesehen von",
    "only:": "nur",
    "rest:": "rest, den rest, der rest, alles andere, alles übrige, übrige",
    "all:": (
        "seite, dokument, scan, bild, foto, aufnahme, fotografie, alles, ganze bild, das ganze bild, bildes, "
        "fotos, "
        "gesamte bild, "
        "das ganze foto"
    ),
    "it:": "es, dies, das hier, sie, ihn, dieses",
    "particle:": "ab",
    "pronoun:subject": "ihr, ihm, mich, mir",
    "det:all": "alle, beide, alle die, jeden, jede",
    "det:": (
        "der, die, das, den, dem, des, ein, eine, einen, einem, einer, eines, mein, meine, diese, diesen, seine, "
        "ihre, meinem, meinen"
    ),
    "prep:into": "in ein, in eine, in einen",
    "prep:to": "zu, auf, zum, zur, bis",
    "prep:with": "mit, durch, gegen, um",
    "prep:in": "in, im, ins, innerhalb",
    "prep:on": "an, am, über",
    "prep:before": "vor",
    "prep:behind": "hinter",
    "prep:of": "von, vom, aus",
    "prep:for": "für",
    "purpose:": "weil, damit, sodass, so dass, denn, um",
    "prep:like": "wie, als",
    "prep:x": "zu",
    "conj:and": "und, sowie, auch, plus, außerdem",
    "conj:then": "dann, danach, anschließend, zuerst, und dann, zuletzt",
    "conj:but": "aber, jedoch, doch, sondern",
    "ignore:": (
        "nein, sorry, entschuldigung, pardon, halt, falsch, moment, korrektur, der originalgröße, "
        "ursprünglichen, bitte, könntest du, kannst du, könnten sie, können sie, ich möchte, "
        "ich will, mal, danke, könntest, "
        "kannst, du, ich, möchte, will, wird, werden, würde, hallo, doch bitte, einfach, so, zu machen, aus, "
        "auf hell, effekt, farbton, filter, format, stil, ton, dass, bitte mal, noch, gerne, gern, hast, wäre, "
        "um zu, frei, um das, da, dort, steht, zu sein, hier, sieht aus, seitenverhältnis, schriftzug in, "
        "buchstaben, wollen, gemacht"
    ),
    # -- corrections: a word with two senses is one where it stands alone between two marks
    "ignore:correct": "eigentlich, lieber, doch lieber, stattdessen, besser",
    "correct:": (
        "nein, doch nicht, ach nein, nein doch, quatsch, ich meine, ich meinte, vielmehr, besser gesagt, "
        "genauer gesagt, moment, halt, "
        "warte, warte mal, nein warte, korrektur, vergiss das, streich das, stimmt nicht, falsch, oder nein, "
        "ich habe es mir anders überlegt, "
        "nee, sorry, entschuldigung, pardon"
    ),
    "new:season": "winter, sommer, herbst, frühling, schnee, schneit, regen, verschneit, winterlich",
    "new:time": "nacht, nachts, sonnenuntergang, sonnenaufgang, abend, morgen, tag, dämmerung",
    "new:pose": ("pose, haltung, lächeln, gesichtsausdruck, lachen, sitzen, stehen, tanzen, ausdruck, winken, fliegen"),
    "new:posed": ("lächelt, sitzende, stehende, liegende, lachende, schlafende, fliegende, laufende, lächelnde"),
    "new:age": "jünger, älter, schlanker, dünner, frisur, bart, schminke",
    "new:material": "aus holz, aus gold, aus glas, aus metall",
    "new:artist": "van gogh, monet, picasso, anime, ghibli, im stil von, pixar, disney, cyberpunk",
    "new:extend": "erweitere, erweitern, ausdehnen",
    "new:move": "verschiebe, verschieben, bewege, bewegen",
    "new:restore": "restaurieren, restauriere, kolorieren, koloriere, entrauschen, entrausche, kratzer, rote augen",
    "new:angle": "von oben, perspektive, seitenansicht, blickwinkel",
    "new:video": "animiere, video, animation",
    "new:generate": "generiere, erzeuge, erfinde",
}
