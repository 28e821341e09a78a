"""Cutting texts into sentences and passages, and weighing sentences against the words of a question."""

import re
import time
from collections.abc import Iterable, Iterator

# A number with a point, as in „3. April“, ends no sentence.
_END = re.compile(r"(?<=[.!?…。！？])(?<!\b\d\.)(?<!\b\d\d\.)[\"'”’»)\]]*\s+|(?<=[。！？])|\n+")
_WORD = re.compile(r"[^\W_]+")
LONGEST = 320
_PARAGRAPH = re.compile(r"\n\n")
_LINE = re.compile(r"\n|[.!?…] |[。！？]")


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text, without blank ones; very long ones are cut."""
    found = (" ".join(part.split()) for part in _END.split(text))
    return [part if len(part) <= LONGEST else part[: LONGEST - 1].rsplit(" ", 1)[0] + "…" for part in found if part]


def weight(sentence: str, stems: Iterable[str], rarity: dict[str, float]) -> float:
    """How much a sentence says about the stems: the rarity of each one that begins a word of it."""
    words = [word.lower() for word in _WORD.findall(sentence)]
    hit = sum(rarity.get(stem, 1.0) for stem in stems if any(word.startswith(stem) for word in words))
    return hit / (1 + len(words) / 200)


def passages(text: str, size: int = 800) -> list[str]:
    """A text in pieces of about `size` characters, cut between paragraphs, else lines, else sentences, else words."""
    pieces: list[str] = []
    current = ""
    for count, part in enumerate(_parts(text, size)):
        if count % 500 == 499:
            time.sleep(0)  # a large text must not hold up everybody else in this process
        if current and len(current) + len(part) > size:
            pieces.append(current.strip())
            current = ""
        current += part
    pieces.append(current.strip())
    return [piece for piece in pieces if piece]


def _parts(text: str, size: int) -> Iterator[str]:
    for paragraph in _cut(_PARAGRAPH, text.replace("\r\n", "\n")):
        if len(paragraph) <= size:
            yield paragraph
            continue
        for line in _cut(_LINE, paragraph):
            yield from _words(line, size)


def _cut(where: re.Pattern[str], text: str) -> Iterator[str]:
    begin = 0
    for found in where.finditer(text):
        yield text[begin : found.end()]
        begin = found.end()
    yield text[begin:]


def _words(line: str, size: int) -> Iterator[str]:
    begin = 0
    while len(line) - begin > size:
        end = line.rfind(" ", begin + size // 2, begin + size) + 1 or begin + size
        yield line[begin:end]
        begin = end
    yield line[begin:]
