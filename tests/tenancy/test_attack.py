"""The attack on the wall (T2–T8): every case of the corpus, from inside a request and with the password alone."""

from __future__ import annotations

import pytest

from tests.tenancy import attack
from tests.tenancy.corpus import CASES


def _holds(stage: attack.Stage, before: dict[str, str], heard: list[str]) -> None:
    """Nothing of anybody else was heard, nothing changed, and the next ones see exactly their own."""
    assert attack.leaked(stage, heard) == []
    assert attack.the_next_ones(stage) == stage.fresh
    after = attack.fingerprint(stage)
    assert after == before, {name: (before.get(name), after.get(name)) for name in {*before, *after}
                             if before.get(name) != after.get(name)}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_wall_holds_inside_a_request(stage, name):
    before = attack.fingerprint(stage)
    for prefix in attack.PREFIXES:
        heard = attack.inject(stage, [*prefix, *CASES[name]])
        _holds(stage, before, heard)


@pytest.mark.parametrize("name", CASES)
def test_the_wall_holds_for_the_password_alone(stage, name):
    before = attack.fingerprint(stage)
    for prefix in attack.PREFIXES:
        heard = attack.log_in_raw(stage, [*prefix, *CASES[name]])
        _holds(stage, before, heard)


def test_the_canaries_are_really_there(stage):
    """A leak test first makes something that could leak: their owners find every one of them."""
    for name in ("bob", "mallory"):
        heard = attack.inject(stage, ["select title from chat_session", "select content from chat_message"], name=name)
        assert all(stage.owns[name].canary in one for one in heard)
