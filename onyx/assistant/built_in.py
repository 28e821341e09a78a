"""The built-in assistant: it quotes the person's own files and chats, and says so. No language model.

It picks the sentences that hold the rarest words of the question, so another source gives another answer.
"""

import re
import time
from collections.abc import Iterator
from math import log
from typing import Any

from onyx.core.db import unit_of_work

from .answers import Answer, Question
from .sentences import sentences, weight
from .sources import Source, find, newest_file
from .words import any_of, stem, telling_words

LABEL = "Built-in assistant: quotes from your own files and chats, no language model"
MODEL = "onyx-built-in"
QUOTES = 5
_PAUSE = 0.006
_LONGEST = 0.5  # seconds that all pauses of an answer take together
_GREETING = re.compile(
    r"\s*(hi|hello|hey|good (morning|afternoon|evening)|hallo|guten (morgen|tag|abend)|moin|servus|bonjour|bonsoir"
    r"|salut)"
    r"([\s,!.]+\w+)?[\s!.,?]*",
    re.IGNORECASE,
)
_ABOUT_ITSELF = re.compile(r"\b(what|how) (can|do) you (do|work|help)\b|\bwho are you\b|^\s*help\W*$", re.IGNORECASE)
_NEWEST = re.compile(
    r"\b(latest|newest|last|neueste\w*|letzte\w*|dernier\w*)\b.{0,20}\b(file|document|upload|datei|fichier)",
    re.IGNORECASE,
)


def ask(question: Question) -> Answer:
    """The answer; reads in a transaction that is over before the first piece is handed out."""
    if _GREETING.fullmatch(question.text):
        return _answer(_greeting(question.name), [])
    if _ABOUT_ITSELF.search(question.text):
        return _answer(_CAPABILITIES, [])
    words = telling_words(question.text)
    found: list[Source] = []
    with unit_of_work() as session:
        if _NEWEST.search(question.text):
            found = newest_file(session)
            return _newest(found) if found else _answer(_nothing(words), [])
        if words:
            found = find(session, question, any_of(words))
    quotes = best_quotes(found, [stem(word) for word in words])
    if not quotes:
        return _answer(_nothing(words), [])
    return _quoted(quotes, words)


def best_quotes(found: list[Source], stems: list[str]) -> list[tuple[Source, str]]:
    """Up to five sentences that say most about the words, files before chats when they weigh the same."""
    candidates = [(source, sentence) for source in found for sentence in sentences(source.content)]
    rarity = _rarity(candidates, stems)
    weighed = []
    seen = set()
    for source, sentence in candidates:
        value = weight(sentence, stems, rarity) * (1.0 if source.kind == "file" else 0.6)
        value *= 0.3 if sentence.startswith("#") else 1.0  # a heading names a thing and says nothing of it
        if value > 0 and not (source.kind == "chat" and sentence.endswith("?")) and sentence.lower() not in seen:
            seen.add(sentence.lower())
            weighed.append((value, source, sentence))
    weighed.sort(key=lambda item: -item[0])
    enough = weighed[0][0] * 0.45 if weighed else 0
    return [(source, sentence) for value, source, sentence in weighed[:QUOTES] if value >= enough]


def _rarity(candidates: list[tuple[Source, str]], stems: list[str]) -> dict[str, float]:
    total = len(candidates) or 1
    texts = [sentence.lower() for _, sentence in candidates]
    return {word: 1 + log(1 + total / (1 + sum(word in text for text in texts))) for word in stems}


def _quoted(quotes: list[tuple[Source, str]], words: list[str]) -> Answer:
    numbers: dict[tuple[str, str], int] = {}
    citations: list[dict[str, Any]] = []
    lines = []
    for source, sentence in quotes:
        key = (source.kind, source.id)
        if key not in numbers:
            numbers[key] = len(numbers) + 1
            citations.append(_citation(numbers[key], source, sentence))
        lines.append(f"> {_plain(sentence)} [{numbers[key]}]")
    where = _places(citations)
    quoted = " ".join(sentence.lower() for _, sentence in quotes)
    about = ", ".join(f"“{_plain(word)}”" for word in [word for word in words if stem(word) in quoted][:4])
    text = f"This is what {where} about {about}:\n\n" + "\n>\n".join(lines)
    return _answer(text + "\n\nThese are quotes, not conclusions: open a source to read it in its context.", citations)


def _newest(found: list[Source]) -> Answer:
    first = sentences("\n".join(source.content for source in found))[:QUOTES]
    title = found[0].title
    lines = "\n>\n".join(f"> {_plain(sentence)} [1]" for sentence in first)
    text = f"Your latest file is **{_plain(title)}**. It begins:\n\n{lines}\n\n"
    text += "I can quote but not summarise in my own words."
    return _answer(text, [_citation(1, found[0], first[0] if first else "")])


def _citation(number: int, source: Source, sentence: str) -> dict[str, Any]:
    return {
        "n": number,
        "kind": source.kind,
        "id": source.id,
        "title": source.title,
        "excerpt": _around(source.content, sentence),
    }


def _around(content: str, sentence: str, most: int = 400) -> str:
    text = " ".join(content.split())
    at = max(0, text.find(sentence.rstrip("…")[:60]) - 80)
    return ("…" if at else "") + text[at : at + most] + ("…" if at + most < len(text) else "")


def _places(citations: list[dict[str, Any]]) -> str:
    kinds = {citation["kind"] for citation in citations}
    if kinds == {"file"}:
        return f"“{_plain(citations[0]['title'])}” says" if len(citations) == 1 else "your files say"
    return "you wrote in earlier chats" if kinds == {"chat"} else "your files and chats say"


def _plain(text: str) -> str:
    """Text that Markdown shows as it is written."""
    return re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", text)


def _nothing(words: list[str]) -> str:
    asked = f" about {', '.join(f'“{_plain(word)}”' for word in words[:4])}" if words else ""
    return (
        f"I found nothing{asked} in your files and earlier chats.\n\n"
        "I can only quote what you have written or uploaded. You could\n\n"
        "- add a text file (.txt, .md, .csv, .json, .log) with the paper clip below and ask again, or\n"
        "- ask with other words: I look for the words of your question, not for what they mean."
    )


def _greeting(name: str) -> str:
    first = _plain(name.split()[0]) if name.split() else "there"
    return (
        f"Hello {first}. Ask me something about your files or earlier chats and I will quote what they say.\n\n"
        "I am the built-in assistant: I search your own texts and quote them, I do not make anything up."
    )


_CAPABILITIES = (
    "I am the built-in assistant. I look for the words of your question in **your own files and earlier chats** and "
    "quote the sentences that fit best, each with its source.\n\n"
    "- **I can** find and quote, in any language, from text files that you add with the paper clip.\n"
    "- **I cannot** reason, summarise in my own words, calculate or look things up elsewhere: there is no language "
    "model behind me. An administrator can connect one.\n\nNobody else can read your chats and files."
)


def _answer(text: str, citations: list[dict[str, Any]]) -> Answer:
    return Answer(LABEL, MODEL, _word_by_word(text), citations)


def _word_by_word(text: str) -> Iterator[str]:
    pieces = re.findall(r"\S+\s*|\s+", text)
    pause = min(_PAUSE, _LONGEST / len(pieces))
    for index, piece in enumerate(pieces):
        if index:
            time.sleep(pause)
        yield piece
