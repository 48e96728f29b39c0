"""Which language an instruction is written in: by script, then by votes of words."""

from __future__ import annotations

import re
from functools import cache

from reasonedit_agent.reasoners.embedded.grammar.lexicon import LANGUAGES, lexicon
from reasonedit_agent.reasoners.embedded.grammar.tokens import atoms, quoted, shapes

__all__ = ["LANGUAGE_NAMES", "detect"]

LANGUAGE_NAMES = {
    "ja": "Japanese", "ko": "Korean", "ru": "a Cyrillic script", "ar": "Arabic", "he": "Hebrew", "th": "Thai",
    "hi": "Hindi", "el": "Greek", "it": "Italian", "pt": "Portuguese", "nl": "Dutch", "pl": "Polish", "sv": "Swedish",
    "tr": "Turkish", "vi": "Vietnamese", "id": "Indonesian",
}  # fmt: skip

_SCRIPTS = (
    ("ja", "[\u3040-\u30ff]"),
    ("ko", "[\uac00-\ud7af\u1100-\u11ff]"),
    ("zh", "[\u3400-\u9fff]"),
    ("ru", "[\u0400-\u04ff]"),
    ("ar", "[\u0600-\u06ff]"),
    ("he", "[\u0590-\u05ff]"),
    ("th", "[\u0e00-\u0e7f]"),
    ("hi", "[\u0900-\u0dff]"),
    ("el", "[\u0370-\u03ff]"),
)

# Words that instructions of the unsupported languages can hardly do without.
_OTHERS = {
    "it": (
        "il lo la gli le un una di del della dello degli dei nel nella con per non piu che e rendi fai metti "
        "togli rimuovi sfoca sfuma sfocare rendere aggiungi cambia ritaglia ruota immagine foto sfondo cielo "
        "tazza gatto cane viso volto testo colore rosso verde blu giallo nero bianco luminoso luminosa scuro "
        "scura chiaro cancella elimina trasforma questa questo mantieni ma anche ridimensiona capovolgi "
        "contrasto luminosita scritta persona"
    ),
    "pt": (
        "o os as um uma do da dos das no na nos nas com para nao mais que e faca deixe coloque remova tire "
        "desfoque adicione mude corte gire imagem foto fundo ceu xicara gato cachorro rosto texto cor "
        "vermelho vermelha azul verde amarelo preto branco preta branca brilho brilhante claro escuro escura "
        "apague torne transforme esta este mantenha mas tambem copo contraste redimensione aumente diminua "
        "pouco muito desfocar"
    ),
    "nl": (
        "de het een van met en niet maar meer voor op maak verwijder vervaag voeg verander snijd draai "
        "afbeelding foto achtergrond lucht kopje kat hond gezicht tekst kleur rood groen blauw geel zwart wit "
        "helderder donkerder deze dit houd ook zet naar geef wazig plaatje scherper verscherp toe aan uit"
    ),
    "pl": (
        "i na z w nie do usun zmien zrob tlo niebo zdjecie obraz kot pies twarz tekst kolor czerwony zielony "
        "niebieski jasniejsze ciemniejsze rozmyj przytnij obroc dodaj jest bardziej ale kubek filizanke "
        "zdjecia rozjasnij prosze te to tlem"
    ),
    "sv": (
        "och att det den en ett med inte mer gor ta bort bakgrunden bakgrund himlen bilden bild katten hunden "
        "ansiktet texten farg rod gron bla gul svart vit ljusare morkare suddig beskar rotera lagg till "
        "koppen av pa fran oskarp skarpare"
    ),
    "tr": (
        "ve bir bu icin ile daha yap sil kaldir bulaniklastir arka plan arkaplan arkaplani gokyuzu resim "
        "resmi fotograf fotografi kedi kopek yuz metin renk kirmizi yesil mavi sari siyah beyaz parlak koyu "
        "kirp dondur ekle degistir plani fincani bulanik"
    ),
    "vi": (
        "va cua cho khong hon lam xoa mo nen bau troi anh con meo mat chu mau do xanh vang den trang sang toi "
        "cat xoay them thay doi hinh"
    ),
    "id": (
        "dan yang dengan untuk tidak lebih buat hapus kaburkan latar belakang langit gambar foto kucing "
        "anjing wajah teks warna merah hijau biru kuning hitam putih terang gelap potong putar tambahkan ubah "
        "ini buatlah"
    ),
}


def detect(text: str) -> str:
    """Return the BCP 47 code of the language, which need not be a supported one.

    Quoted words do not count. Where the words of two languages tie, a supported one is taken, English first.
    """
    for start, end, _ in quoted(text):
        text = text[:start] + " " * (end - start) + text[end:]
    for token in shapes(text):  # "800x600" is no word
        text = text[: token.start] + " " * (token.end - token.start) + text[token.end :]
    for code, script in _SCRIPTS:
        if re.search(script, text):
            return code
    words = [atom.text for atom in atoms(text) if atom.text.isalpha() or "'" in atom.text]
    if not words:
        return "en"
    votes = {code: sum(_weight(word, code) for word in words) for code in LANGUAGES if code != "zh"}
    others = {code: sum(word in known for word in words) for code, known in _others().items()}
    best = max(votes, key=lambda code: votes[code])
    other = max(others, key=lambda code: others[code])
    if others[other] > votes[best] + 0.25 and others[other] >= 2:
        return other
    return best


def _weight(word: str, code: str) -> float:
    """A known word counts one, a misspelt one half."""
    book = lexicon(code)
    if word in book.words:
        return 1.0
    return 0.5 if book.correct(word) != word else 0.0


@cache
def _others() -> dict[str, frozenset[str]]:
    return {code: frozenset(words.split()) for code, words in _OTHERS.items()}
