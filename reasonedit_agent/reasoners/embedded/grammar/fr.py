"""French: which words mean which concept, for simple requests. The keys are explained in `concepts.py`."""

__all__ = ["ENDINGS", "WORDS"]

ENDINGS = (("s", ""), ("es", ""), ("e", ""), ("x", ""), ("ez", "e"), ("er", "e"), ("ent", "e"))

WORDS = {
    "do:make": (
        "rends, rendre, rendez, fais, faire, faites, mets, mettre, mettez, donne, donner, devrait être, "
        "que ce soit, laisse-le, soit, avoir"
    ),
    "do:turn": "transforme, transformer, convertis, convertir, transformez",
    "do:change": "change, changer, modifie, modifier, touche, toucher, changez, altère, touchez, ajuste",
    "do:recolour": "colore, colorie, peins, peindre, teins, teinte, colorer, recolore, teindre",
    "do:put": "place, placer, pose",
    "do:add": "ajoute, ajouter, ajoutez, insère, insérer, dessine, applique, rajoute",
    "do:write": (
        "écris, écrire, écrivez, ajoute le texte, mets le texte, inscris, titre, avec le texte, ajoute du texte, "
        "ajoutez le texte"
    ),
    "do:remove": (
        "supprime, supprimer, enlève, enlever, retire, retirer, efface, effacer, ôte, supprimez, enlevez, "
        "élimine, fais disparaître, disparaître"
    ),
    "do:cutout": (
        "détoure, détourer, fond transparent, supprime le fond, enlève le fond, supprime l'arrière-plan, "
        "enlève l'arrière-plan, arrière-plan transparent, transparent, sans fond, retire le fond, "
        "retire l'arrière-plan, extrais, efface le fond, supprimer l'arrière-plan, supprimer le fond, "
        "efface l'arrière-plan"
    ),
    "do:replace": "remplace, remplacer, remplacez, échange, substitue",
    "do:crop": "recadre, recadrer, rogne, rogner, coupe, recadrez, recadrage, cadre",
    "do:resize": "redimensionne, redimensionner, change la taille, mets à l'échelle, modifie la taille",
    "do:shrink": "rétrécis, réduis la taille, rapetisse, réduire la taille",
    "do:upscale": (
        "agrandis, agrandir, augmente la résolution, suréchantillonne, meilleure résolution, "
        "augmenter la résolution, agrandissez"
    ),
    "do:rotate": "tourne, tourner, pivote, pivoter, rotation, fais pivoter, fais tourner",
    "do:flip": "retourne, miroir, reflète, inverse, en miroir, retourner, effet miroir",
    "do:redact": "anonymise, anonymiser, censure, cache, masque, illisible, cacher, masquer",
    "do:pixelate": "pixellise, pixelliser, pixelise, mosaïque, pixeliser",
    "do:blur": "floute, flouter, flou, floue, rends flou, floutez, adoucis, flous",
    "do:bokeh": "mode portrait, flou d'arrière-plan, arrière-plan flou, fond flou, bokeh, effet portrait",
    "do:sharpen": (
        "plus net, plus nette, net, nette, accentue la netteté, affûte, aiguise, netteté plus, plus de netteté, affine"
    ),
    "do:bw": "noir et blanc, en noir et blanc, niveaux de gris, monochrome, nuances de gris, sans couleur",
    "do:sepia": (
        "sépia, vieille photo, photo ancienne, ancienne photo, rétro, vintage, photo d'époque, vieilli, ancienne"
    ),
    "do:vignette": "vignette, vignettage, coins sombres, bords sombres, assombris les coins, assombris les bords",
    "do:denoise": "bruit, grain",
    "dir:+": (
        "plus, plus de, augmente, augmenter, davantage, renforce, renforcer, intensifie, accentue, plus d', "
        "hausse, augmentez, fais ressortir"
    ),
    "dir:-": (
        "moins, moins de, réduis, réduire, diminue, diminuer, baisse, baisser, moins d', atténue, diminuez, réduisez"
    ),
    "adj:brightness:+": (
        "éclaircis, éclaircir, éclaire, plus clair, plus claire, plus lumineux, plus lumineuse, illumine, "
        "moins sombre, éclaircissez, plus brillant, plus clairs, lumineuse, lumineux"
    ),
    "adj:brightness:-": (
        "assombris, assombrir, plus sombre, plus foncé, plus foncée, moins lumineux, moins clair, assombrissez, "
        "moins lumineuse, fonce"
    ),
    "adj:contrast:+": "contrasté, plus contrasté, plus contrastée, contrastée",
    "adj:contrast:-": "plus plat, moins contrasté, moins contrastée",
    "adj:saturation:+": (
        "plus vif, plus vive, plus vives, vives, plus vifs, coloré, plus coloré, plus colorée, saturé, sature, "
        "éclatant, éclatantes, vibrant, plus saturé, plus éclatantes, saturer"
    ),
    "adj:saturation:-": (
        "désature, désaturer, terne, plus terne, délavé, moins vif, moins vives, moins saturé, moins coloré, "
        "plus ternes"
    ),
    "adj:warmth:+": (
        "plus chaud, plus chaude, chaud, plus chaleureux, plus chaleureuse, réchauffe, plus chaudes, "
        "moins froid, moins froide, réchauffer"
    ),
    "adj:warmth:-": "plus froid, plus froide, plus froides, refroidis, moins jaune, moins chaud, refroidir",
    "state:brightness:-": "sombre, foncé",
    "state:brightness:+": "clair, claire",
    "state:contrast:-": "plat, plate",
    "state:saturation:-": "fade, ternes",
    "state:saturation:+": "criard",
    "state:warmth:-": "froid, froide",
    "state:warmth:+": "jaunâtre",
    "state:exposure:-": "sous-exposé, sous-exposée",
    "state:exposure:+": "surexposé, surexposée",
    "prop:brightness": "luminosité, éclat",
    "prop:contrast": "contraste",
    "prop:saturation": "saturation, couleurs",
    "prop:colour": "couleur",
    "prop:warmth": "chaleur, température, température de couleur",
    "prop:exposure": "exposition",
    "prop:sharpness": "netteté, détail, détails, clarté",
    "prop:blur": "flou général",
    "prop:size": "taille, résolution, dimensions",
    "complain:is": "est, c'est, semble, paraît, sont, a l'air",
    "complain:too": "trop",
    "complain:enough": "assez, suffisamment",
    "strength:0.4": "un peu, légèrement, peu, légère, subtilement, un tout petit peu, un petit peu, doucement",
    "strength:0.6": "pas trop, mais pas trop, modérément, sans exagérer",
    "strength:1.7": "beaucoup, très, fortement, nettement, bien plus, considérablement",
    "strength:2.2": "extrêmement, totalement, complètement, au maximum, entièrement, tout à fait",
    "mult:2": "double, doubler, deux fois, le double",
    "mult:3": "triple, trois fois",
    "mult:4": "quatre fois, quadruple",
    "mult:0.5": "moitié, de moitié, demi",
    "mult:0.25": "un quart, quart",
    "mult:0.3333": "un tiers, tiers",
    "mult:0.6667": "deux tiers",
    "mult:0.75": "trois quarts",
    "mult:0.2": "un cinquième, cinquième",
    "num:2": "deux",
    "num:3": "trois",
    "num:5": "cinq",
    "num:10": "dix",
    "num:15": "quinze",
    "num:20": "vingt",
    "num:30": "trente",
    "num:45": "quarante cinq",
    "num:50": "cinquante",
    "num:90": "quatre vingt dix",
    "unit:percent": "pour cent, %, pourcent",
    "unit:px": "px, pixels, pixel",
    "unit:degree": "degrés, degré, °",
    "unit:stop": "diaphs, ev, diaph",
    "unit:megapixel": "mégapixels, mégapixel, mp",
    "unit:times": "fois, ×",
    "dim:width": "de large, largeur, de largeur, large",
    "dim:height": "de haut, hauteur, de hauteur",
    "dim:long": "côté long, plus grand côté",
    "dim:short": "petit côté, plus petit côté",
    "size:small": "petit, petite, petites, plus petit, plus petite, petits",
    "size:big": "grand, grande, gros, plus grand, plus grande, grandes, grosses, gros caractères",
    "size:huge": "énorme, très grand, immense, énormes",
    "dim:thumbnail": "miniature",
    "place:top-left": "en haut à gauche, coin supérieur gauche, haut à gauche",
    "place:top": "en haut, haut, au sommet",
    "place:top-right": "en haut à droite, coin supérieur droit, haut à droite",
    "place:left": "gauche, à gauche, de gauche, vers la gauche, sur la gauche",
    "place:center": "centre, au centre, au milieu, milieu",
    "place:right": "droite, à droite, de droite, vers la droite, sur la droite",
    "place:bottom-left": "en bas à gauche, coin inférieur gauche, bas à gauche",
    "place:bottom": "en bas, bas, au bas",
    "place:bottom-right": "en bas à droite, coin inférieur droit, bas à droite, coin",
    "turn:90": "sens horaire, dans le sens horaire, dans le sens des aiguilles d'une montre",
    "turn:-90": "sens antihoraire, dans le sens antihoraire, dans le sens inverse des aiguilles d'une montre",
    "turn:180": "à l'envers, tête en bas",
    "axis:horizontal": "horizontalement, horizontal",
    "axis:vertical": "verticalement, vertical",
    "ratio:1:1": "carré, carrée, au carré",
    "ratio:16:9": "panoramique",
    "ratio:4:5": "format portrait",
    "ratio:3:2": "format paysage",
    "shade:dark": "foncé foncé, profond",
    "shade:light": "pastel, pâle",
    "shade:vivid": "vif, intense",
    "style:painting": "peinture, tableau, aquarelle, peinture à l'huile",
    "style:pencil": "dessin, crayon, croquis, dessin au crayon, esquisse, au crayon",
    "style:cartoon": "dessin animé, bande dessinée, cartoon",
    "fill:gradient": "dégradé",
    "fill:reference": (
        "autre photo, autre image, deuxième photo, deuxième image, référence, photo de référence, "
        "image de référence, seconde photo, seconde image"
    ),
    "fill:plain": "uni, unie",
    "keep:keep": "garde, garder, conserve, conserver, préserve, laisse, laisser, gardez, conservez",
    "keep:same": (
        "tel quel, telle quelle, intact, intacte, inchangé, inchangée, comme il est, comme elle est, identique"
    ),
    "neg:not": "ne, n', pas, sans, jamais, ne pas, aucun",
    "except:": "sauf, excepté, hormis, à l'exception de, à part",
    "only:": "seulement, uniquement, juste le, juste la, que le, que la",
    "rest:": "reste, le reste, tout le reste",
    "all:": (
        "page, document, capture, image, photo, photographie, tout, toute l'image, toute la photo, cliché, l'ensemble"
    ),
    "it:": "lui, la même, ceci, cela, ça, celui-ci",
    "pronoun:subject": "elle, moi, il",
    "det:all": "tous les, toutes les, chaque, les deux",
    "det:": "le, la, les, un, une, des, l', mon, ma, mes, son, sa, ses, ce, cette",
    "prep:into": "en un, en une",
    "prep:to": "à, au, aux, jusqu'à, vers",
    "prep:with": "avec, par",
    "prep:in": "en, dans",
    "prep:on": "sur",
    "prep:before": "devant",
    "prep:behind": "derrière",
    "prep:of": "de, du, d', depuis",
    "prep:for": "pour",
    "purpose:": (
        "pour qu', afin d', afin qu', parce qu', de sorte que, de sorte qu', de façon à, puisque, pour éviter, "
        "pour mieux, car, pour que, parce que, afin que, afin de"
    ),
    "prep:like": "comme, ressemble à",
    "conj:and": "et, ainsi que, aussi, plus aussi",
    "conj:then": "puis, ensuite, et puis, après, d'abord, enfin",
    "conj:but": "mais, cependant, tandis que",
    "ignore:": (
        "non, pardon, désolé, désolée, correction, d'origine, de l'original, originale, s'il te plaît, "
        "s'il vous plaît, svp, stp, peux-tu, pouvez-vous, "
        "pourrais-tu, pourriez-vous, je veux, "
        "je voudrais, j'aimerais, merci, bonjour, veux, peux, tu, vous, je, effet, ton, tons, filtre, format, "
        "style, qu', que, j', s'il, voudrais, aimerais, tons plus, lettres, être, teinté, se, y, ratio, "
        "fais que, pourrais, te, plaît"
    ),
    # -- corrections: a word with two senses is one where it stands alone between two marks
    "ignore:correct": "en fait, finalement, plutôt, à la place",
    "correct:": (
        "non attends, attends, attendez, je veux dire, je voulais dire, ou plutôt, non plutôt, oublie ça, "
        "oubliez ça, correction, je me trompe, "
        "en fait non, finalement non, non non, j'ai changé d'avis, non, pardon, désolé, désolée"
    ),
    "new:season": "hiver, été, automne, printemps, neige, enneigé, pluie",
    "new:time": "nuit, coucher de soleil, lever de soleil, soir, matin, de nuit, la nuit",
    "new:pose": "pose, posture, sourire, sourit, expression, danser, voler, danse",
    "new:posed": ("souriant, assis, assise, debout, endormi, endormie, volant, courant, couché, couchée"),
    "new:age": "jeune, plus jeune, plus vieux, vieille femme, mince, coiffure, barbe, maquillage",
    "new:material": "en bois, en or, en verre, en métal",
    "new:artist": "van gogh, monet, picasso, anime, ghibli, dans le style de, pixar, disney, style de",
    "new:extend": "étends, élargis, étendre",
    "new:move": "déplace, déplacer, bouge",
    "new:restore": "restaure, restaurer, colorise, coloriser, débruite, rayures, yeux rouges",
    "new:angle": "d'en haut, angle, perspective",
    "new:video": "anime la photo, vidéo, animation",
    "new:generate": "génère, crée, invente",
}
