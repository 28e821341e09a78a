"""Cutting texts: nothing is lost, pieces stay small."""

from hypothesis import given
from hypothesis import strategies as st

from onyx.assistant.sentences import passages, sentences
from onyx.assistant.words import any_of, telling_words


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=5000))
def test_passages_hold_every_word_in_order_and_stay_small(text: str) -> None:
    pieces = passages(text)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(len(piece) <= 800 for piece in pieces)


def test_passages_end_where_paragraphs_end() -> None:
    paragraphs = [f"{name} " + "word " * 90 for name in ("One", "Two", "Three")]
    assert [piece.split()[0] for piece in passages("\n\n".join(paragraphs))] == ["One", "Two", "Three"]


def test_sentences_are_cut_at_their_ends() -> None:
    assert sentences("One is. Two is! Three\nFour") == ["One is.", "Two is!", "Three", "Four"]


def test_words_that_every_sentence_has_do_not_count() -> None:
    assert telling_words("What is the deadline of the Brücke, und warum?") == ["deadline", "brücke"]


@given(st.text(max_size=300))
def test_queries_hold_nothing_but_words(text: str) -> None:
    assert any_of(telling_words(text)).count("'") % 2 == 0 and "\\" not in any_of(telling_words(text))
