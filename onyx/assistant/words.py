"""The words of a question that say something, and the text search query that they make."""

import re

_STOP_WORDS = """
a about above after again all am an and any are as at be because been before being below between both but by can
could did do does doing down during each few for from further had has have having he her here hers him his how i if
in into is it its itself just me more most my no nor not now of off on once only or other our out over own same say
says said she should so some such tell than that the their them then there these they this those through to too
under until up us very was we were what when where which while who whom why will with would you your yours find
show give please know mean file files chat chats document documents summarise summarize summary latest
aber alle als also am an auch auf aus bei bin bis da damit dann das dass dem den der des die doch du durch ein eine
einem einen einer eines er es euch für habe haben hat hatte ich ihm ihn ihr im in ist ja kann kein keine man mein
meine meinen mich mir mit muss nach nicht noch nur ob oder ohne sein seine sich sie sind so steht um und uns unser
vom von vor war waren warum was welche welcher welches wenn wer werden wie wir wird wo zu zum zur über
alors au aussi aux avec ce ces cette comme comment dans de des dit du elle en es est et eux il ils je la le les
leur lui ma mais me mes moi mon ne nos notre nous on ont ou où par pas peu plus pour pourquoi qu quand que quel
quelle quels qui sa sans se ses si son sont sur ta te tes toi ton tu un une vos votre vous à été être
"""
_STOP = frozenset(_STOP_WORDS.split())
_WORD = re.compile(r"[^\W_]+")
MOST = 16
LONGEST = 60  # characters; a longer word is found by its beginning


def telling_words(text: str) -> list[str]:
    """Up to 16 different words of a text, lower-cased, without those that every sentence has."""
    found = dict.fromkeys(words_of(text[:4000]))
    return [word for word in found if word not in _STOP and _tells(word)][:MOST]


def _tells(word: str) -> bool:
    """One letter says nothing, one digit or one Chinese character does."""
    return len(word) > 1 or word.isdigit() or ord(word) > 0x2E80


def words_of(text: str) -> list[str]:
    """All words of a text, lower-cased, none longer than PostgreSQL takes."""
    return [word.lower()[:LONGEST] for word in _WORD.findall(text)]


def any_of(words: list[str]) -> str:
    """A tsquery that finds texts with any of the words, or a beginning of one: `'plan':* | 'budg':*`."""
    return " | ".join(f"'{stem(word)}':*" for word in words)


def all_of(words: list[str]) -> str:
    """A tsquery that finds texts with a beginning of each word."""
    return " & ".join(f"'{word}':*" for word in words)


def stem(word: str) -> str:
    """A word without a plural's ending, so that `deadlines` finds `deadline`; its prefix finds the rest."""
    for ending, least in (("ies", 5), ("en", 6), ("es", 6), ("s", 4)):
        if word.endswith(ending) and len(word) >= least and not word.endswith("ss"):
            return word[: -len(ending)]
    return word
