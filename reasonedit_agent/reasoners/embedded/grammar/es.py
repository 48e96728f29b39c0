"""Spanish: which words mean which concept, for simple requests. The keys are explained in `concepts.py`."""

__all__ = ["ENDINGS", "WORDS"]

ENDINGS = (("es", ""), ("s", ""), ("as", "a"), ("os", "o"), ("lo", ""), ("la", ""), ("me", ""))

WORDS = {
    "do:make": (
        "haz, hacer, hazlo, hazla, pon, poner, ponlo, ponla, vuelve, volver, deja, dejar, debería ser, que sea, "
        "que esté, haga, da, dale, pónle, ponle"
    ),
    "do:turn": "convierte, convertir, transforma, transformar, conviértelo, conviértela, transfórmalo",
    "do:change": (
        "cambia, cambiar, modifica, modificar, altera, toques, tocar, cambies, modifiques, toca, ajusta, edita, "
        "cambie, alteres"
    ),
    "do:recolour": "colorea, pinta, pintar, tiñe, colorear, teñir, píntalo",
    "do:put": "coloca, colocar, sitúa",
    "do:add": "añade, añadir, agrega, agregar, inserta, incluye, aplica, dibuja, añádele, agrégale",
    "do:write": (
        "escribe, escribir, añade el texto, agrega el texto, pon el texto, rotula, con el texto, titula, "
        "añade texto, agrega texto"
    ),
    "do:remove": (
        "elimina, eliminar, quita, quitar, borra, borrar, suprime, retira, saca, elimine, quítale, "
        "haz desaparecer, desaparecer"
    ),
    "do:cutout": (
        "recorta la silueta, fondo transparente, quita el fondo, elimina el fondo, borra el fondo, "
        "quitar el fondo, eliminar el fondo, aísla, transparente, sin fondo, el fondo transparente, extrae"
    ),
    "do:replace": "reemplaza, reemplazar, sustituye, sustituir, intercambia, remplaza, cambia por",
    "do:crop": "recorta, recortar, recórtalo, recorte, encuadra",
    "do:resize": (
        "redimensiona, redimensionar, escala, escalar, cambia el tamaño, cambiar el tamaño, reescala, "
        "cambia el tamaño a, ajusta el tamaño"
    ),
    "do:shrink": "reduce el tamaño, encoge, achica, reducir el tamaño",
    "do:upscale": (
        "amplía, ampliar, agranda, aumenta la resolución, aumentar la resolución, mejora la resolución, "
        "más resolución, agrandar"
    ),
    "do:rotate": "gira, girar, rota, rotar, gíralo, gírala, voltear a la izquierda",
    "do:flip": "voltea, voltear, refleja, espejo, en espejo, invierte, voltéalo",
    "do:redact": "censura, censurar, oculta, anonimiza, ilegible, tapa, esconde",
    "do:pixelate": "pixela, pixelar, pixelado, pixeliza, mosaico, pixelada",
    "do:blur": (
        "desenfoca, desenfocar, difumina, difuminar, borroso, borrosa, desenfocado, desenfoque, desenfocada, suaviza"
    ),
    "do:bokeh": "modo retrato, desenfoque de fondo, fondo borroso, fondo desenfocado, bokeh, efecto retrato",
    "do:sharpen": "enfoca, enfocar, nítido, nítida, más nítido, más nítida, afila, más nitidez, enfocada",
    "do:bw": (
        "blanco y negro, en blanco y negro, escala de grises, monocromo, monocromática, sin color, a blanco y negro"
    ),
    "do:sepia": "sepia, foto antigua, foto vieja, antigua, vintage, envejecida, retro, fotografía antigua",
    "do:vignette": "viñeta, viñeteado, esquinas oscuras, bordes oscuros, oscurece las esquinas, oscurece los bordes",
    "do:denoise": "ruido, grano",
    "dir:+": (
        "más, aumenta, aumentar, sube, subir, incrementa, incrementar, intensifica, realza, mayor, refuerza, "
        "aumente, resalta"
    ),
    "dir:-": "menos, reduce, reducir, baja, bajar, disminuye, disminuir, menor, atenúa, reduzca",
    "adj:brightness:+": (
        "aclara, aclarar, ilumina, iluminar, más claro, más clara, más brillante, más luminoso, más luminosa, "
        "menos oscuro, menos oscura, aclárala, aclara la, no tan oscura, más claros, más claras, brillante, "
        "luminosa"
    ),
    "adj:brightness:-": (
        "oscurece, oscurecer, más oscuro, más oscura, menos brillante, menos claro, oscurécelo, más oscuros, "
        "más oscuras"
    ),
    "adj:contrast:+": "más contrastado, más contrastada, contrastada",
    "adj:contrast:-": "más plano, más plana, menos contrastada",
    "adj:saturation:+": (
        "más vivo, más viva, más vivos, más vivas, vivos, colorido, colorida, más saturado, más saturada, "
        "satura, más colorido, más colorida, vibrante, más vibrante, más intensos, más vibrantes, saturar, vivas"
    ),
    "adj:saturation:-": (
        "desatura, desaturar, apagado, apagada, más apagado, más apagada, menos saturado, menos saturada, "
        "menos vivos, menos vivo, colores apagados"
    ),
    "adj:warmth:+": (
        "más cálido, más cálida, cálido, cálida, más cálidos, menos frío, menos fría, calienta, tonos cálidos"
    ),
    "adj:warmth:-": (
        "más frío, más fría, más fríos, menos amarillo, menos amarilla, menos cálido, enfría, tonos fríos, más fresco"
    ),
    "state:brightness:-": "oscuro, oscura, sombrío",
    "state:brightness:+": "claro, clara",
    "state:contrast:-": "plano, plana",
    "state:saturation:-": "pálida, pálido",
    "state:saturation:+": "chillón",
    "state:warmth:-": "frío, fría",
    "state:warmth:+": "amarillento, amarillenta",
    "state:exposure:-": "subexpuesta, subexpuesto",
    "state:exposure:+": "sobreexpuesta, sobreexpuesto",
    "prop:brightness": "brillo, luminosidad",
    "prop:contrast": "contraste",
    "prop:saturation": "saturación, colores, intensidad de los colores",
    "prop:colour": "color",
    "prop:warmth": "calidez, temperatura, temperatura de color",
    "prop:exposure": "exposición",
    "prop:sharpness": "nitidez, detalle, detalles, claridad",
    "prop:blur": "borrosidad",
    "prop:size": "tamaño, resolución, dimensiones",
    "complain:is": "es, está, parece, se ve, son, están, quedó, salió",
    "complain:too": "demasiado, demasiada, muy muy, excesivamente",
    "complain:enough": "suficiente, suficientemente, lo bastante, poco intenso",
    "strength:0.4": (
        "un poco, ligeramente, poco, algo, levemente, un poquito, apenas, sutilmente, suavemente, un pelín"
    ),
    "strength:0.6": "no demasiado, pero no demasiado, no mucho, sin exagerar, pero no mucho, moderadamente",
    "strength:1.7": "mucho, muy, mucha, bastante, considerablemente, fuertemente, muchísimo",
    "strength:2.2": "extremadamente, totalmente, completamente, al máximo, del todo, drásticamente, por completo",
    "mult:2": "doble, duplica, dos veces, el doble, duplicar",
    "mult:3": "triple, tres veces, triplica",
    "mult:4": "cuatro veces, cuádruple",
    "mult:0.5": "mitad, medio",
    "mult:0.25": "un cuarto, cuarta parte",
    "mult:0.3333": "un tercio, tercio, tercera parte, la tercera parte",
    "mult:0.6667": "dos tercios",
    "mult:0.75": "tres cuartos, tres cuartas partes",
    "mult:0.2": "un quinto, quinta parte, la quinta parte",
    "num:2": "dos",
    "num:3": "tres",
    "num:5": "cinco",
    "num:10": "diez",
    "num:15": "quince",
    "num:20": "veinte",
    "num:30": "treinta",
    "num:45": "cuarenta y cinco",
    "num:50": "cincuenta",
    "num:90": "noventa",
    "num:180": "ciento ochenta",
    "unit:percent": "por ciento, %, porciento",
    "unit:px": "px, píxeles, pixeles, píxel",
    "unit:degree": "grados, grado, °",
    "unit:stop": "pasos, paso, ev",
    "unit:megapixel": "megapíxeles, megapixeles, mp, megapíxel",
    "unit:times": "veces, ×",
    "dim:width": "ancho, de ancho, anchura",
    "dim:height": "alto, de alto, altura",
    "dim:long": "lado largo, lado más largo",
    "dim:short": "lado corto, lado más corto",
    "size:small": "pequeño, pequeña, pequeñas, más pequeño, más pequeña, pequeños",
    "size:big": "grande, más grande, grandes",
    "size:huge": "enorme, gigante, muy grande, enormes",
    "dim:thumbnail": "miniatura",
    "place:top-left": "arriba a la izquierda, esquina superior izquierda, superior izquierda",
    "place:top": "arriba, parte superior, en la parte superior, en la parte de arriba",
    "place:top-right": "arriba a la derecha, esquina superior derecha, superior derecha",
    "place:left": "izquierda, a la izquierda, izquierdo, de la izquierda, hacia la izquierda",
    "place:center": "centro, en el centro, medio de la imagen, en el medio",
    "place:right": "derecha, a la derecha, derecho, de la derecha, hacia la derecha",
    "place:bottom-left": "abajo a la izquierda, esquina inferior izquierda, inferior izquierda",
    "place:bottom": "abajo, parte inferior, en la parte inferior, en la parte de abajo",
    "place:bottom-right": "abajo a la derecha, esquina inferior derecha, inferior derecha, esquina",
    "turn:90": "en sentido horario, sentido horario, en el sentido de las agujas del reloj",
    "turn:-90": (
        "antihorario, en sentido antihorario, sentido antihorario, en sentido contrario a las agujas del reloj"
    ),
    "turn:180": "al revés, boca abajo, de cabeza",
    "axis:horizontal": "horizontalmente, horizontal, en horizontal",
    "axis:vertical": "verticalmente, en vertical, vertical",
    "ratio:1:1": "cuadrado, cuadrada, en cuadrado",
    "ratio:16:9": "panorámico, panorámica",
    "ratio:4:5": "formato retrato",
    "ratio:3:2": "formato apaisado, apaisado",
    "shade:dark": "oscuro intenso, profundo",
    "shade:light": "pastel, suave",
    "shade:vivid": "intenso, fuerte, vivo",
    "style:painting": "pintura, óleo, cuadro, acuarela, pintura al óleo",
    "style:pencil": "dibujo a lápiz, lápiz, boceto, dibujo, a lápiz",
    "style:cartoon": "dibujo animado, caricatura, cómic, dibujos animados",
    "fill:gradient": "degradado, gradiente",
    "fill:reference": (
        "otra foto, otra imagen, segunda foto, segunda imagen, referencia, foto de referencia, imagen de referencia"
    ),
    "fill:plain": "liso, sólido",
    "keep:keep": "mantén, mantener, conserva, conservar, preserva, mantenga, conserve, deja igual",
    "keep:same": "igual, como está, intacto, intacta, sin cambios, tal como está, como esta, sin tocar",
    "neg:not": "no, sin, nunca, ningún, ni",
    "except:": "excepto, menos el, menos la, salvo, a excepción de, con excepción de, excepto por",
    "only:": (
        "deja solo, deja sólo, dejando solo, dejar solo, deja únicamente, quédate con, quédate solo con, solo, "
        "solamente, únicamente, sólo"
    ),
    "rest:": "resto, el resto, lo demás, todo lo demás, demás",
    "all:": (
        "página, documento, captura, imagen, foto, fotografía, todo, toda la imagen, toda la foto, "
        "retrato completo, "
        "fotos"
    ),
    "it:": "esto, lo, eso, éste, esta, este",
    "pronoun:subject": "ella",
    "det:all": "todos los, todas las, todos, todas, ambos, ambas, cada",
    "det:": "el, la, los, las, un, una, unos, unas, mis, su, sus, al",
    "prep:into": "en un, en una",
    "prep:to": "a, hasta, hacia",
    "prep:with": "con, por, mediante",
    "prep:in": "en, dentro de",
    "prep:on": "sobre, encima de",
    "prep:before": "delante de, enfrente de, frente a",
    "prep:behind": "detrás de, tras",
    "prep:of": "de, del, desde",
    "prep:for": "para",
    "purpose:": (
        "ya que, puesto que, a fin de, con el fin de, de manera que, para poder, porque, para que, así que, de modo que"
    ),
    "prep:like": "como, que parezca",
    "conj:and": "y, e, además, también, así como",
    "conj:then": "luego, después, y luego, y después, primero, finalmente, entonces",
    "conj:but": "pero, aunque, sino, mientras",
    "ignore:": (
        "perdón, perdona, disculpa, corrección, del original, original, por favor, porfavor, puedes, podrías, "
        "quiero, quisiera, me gustaría, gracias, que, "
        "se, me, ser, hola, "
        "podría, puede, favor, efecto, tono, tonos, filtro, formato, estilo, solo un, sea, esté, color de tinta, "
        "le, letras, aspecto, quede, más o menos, vea, veas, proporción, relación de aspecto, queda, ver, hacia"
    ),
    # -- corrections: a word with two senses is one where it stands alone between two marks
    "ignore:correct": "en realidad, mejor, más bien, en cambio, en vez de eso, en lugar de eso",
    "correct:": (
        "no espera, espera, espera no, quiero decir, quise decir, digo, mejor dicho, o mejor, olvida eso, "
        "olvídalo, corrección, me equivoqué, "
        "no no, cambié de idea, mejor no, no mejor, no, perdón, perdona, disculpa"
    ),
    "new:season": "invierno, verano, otoño, primavera, nieve, nevado, lluvia, nevando",
    "new:time": "noche, atardecer, amanecer, de noche, de día, puesta de sol",
    "new:pose": ("pose, postura, sonrisa, sonría, expresión, sonreír, sonreir, sonrie"),
    "new:posed": ("sonriendo, bailando, sentado, volando, sentada, de pie, durmiendo, corriendo, tumbado, tumbada"),
    "new:age": "joven, más joven, más viejo, más vieja, delgado, peinado, barba, maquillaje",
    "new:material": "de madera, de oro, de cristal, de metal",
    "new:artist": "van gogh, monet, picasso, anime, ghibli, al estilo de, pixar, disney, cyberpunk, estilo de",
    "new:extend": "extiende, expande, extender",
    "new:move": "mueve, mover, desplaza",
    "new:restore": (
        "restaura, restaurar, colorea la foto en blanco y negro, elimina el ruido, quita el ruido, arañazos, ojos rojos"
    ),
    "new:angle": "desde arriba, ángulo, perspectiva",
    "new:video": "anima, vídeo, video, animación",
    "new:generate": "genera, crea, inventa",
}
