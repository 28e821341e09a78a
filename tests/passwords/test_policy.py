"""Which passwords are refused, by rule (I5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onyx.identity import passwords
from onyx.identity.password_policy import weakness
from onyx.identity.passwords import new_password

WEAK = (
    "short", "x" * 257, "aaaaaaaaaaaaaaaa", "abababababababab", "abcabcabcabcabc", "123456789012", "abcdefghijklmnop",
    "zyxwvutsrqponmlk", "qwertyuiop123456", "1qaz2wsx3edc4rfv", "password1234", "Password!2024", "P@ssw0rd2023!", "passwordpassword",
    "welcome2onyx2025", "letmein letmein", "iloveyou123456", "Summer2024!!!!", "adminadmin123", "changeme-2024", "Qwerty123456!",
    "alice.arden@acme.example", "AliceArden2024", "ardenarden1987", "111122223333", "........!!!!!!!!", "            ",
    "secretsecret99", "hellohello123",
)  # fmt: skip
GOOD = ("correct horse battery staple", "seven quiet lighthouses at dusk", "gT7#kPw2!vQx", "Wo der Pfeffer wächst", "猫は窓辺で眠る、雨の午後に静かに",
        "my admin sleeps under cedars", "sunshine over old harbours")  # fmt: skip


@pytest.mark.parametrize("password", WEAK)
def test_what_guessers_try_first_is_refused(password):
    assert weakness(password, "alice.arden@acme.example", "Alice Arden")


@pytest.mark.parametrize("password", GOOD)
def test_what_they_do_not_try_is_accepted(password):
    assert weakness(password, "alice.arden@acme.example", "Alice Arden") is None


@given(st.text(max_size=300), st.text(max_size=40))
def test_whatever_is_typed_gets_an_answer(password, name):
    told = weakness(password, name)
    assert told is None or isinstance(told, str)
    assert told is not None or 12 <= len(password) <= 256


def test_what_onyx_makes_is_good_enough():
    assert [weakness(new_password()) for _ in range(500)] == [None] * 500


def test_what_is_stored_has_the_cost_that_owasp_asks_for(client_of, world, owner):
    """The cast's own hash is a cheap one: this is what people get who choose a password at a door."""
    new = "seven quiet lighthouses at dusk"
    sent = {"current": world.alice.password, "new": new}
    assert client_of("alice").post("/api/v1/auth/password", json=sent).status_code == 200
    stored = owner.execute(
        f"select password_hash from {world.acme.schema}.credential where user_id = %s", [world.alice.id]
    ).fetchone()[0]
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_whoever_is_nobody_is_refused_at_the_same_cost():
    """S7: else the time of the answer tells who has an account."""
    assert not passwords._hasher.check_needs_rehash(passwords._nobodys)
    assert not passwords.verify(None, "nobody has this password")


def test_it_holds_wherever_a_password_is_set(client_of, world):
    dana, alice = client_of("dana"), client_of("alice")
    for weak in ("Password!2024", world.alice.email, "Alice Arden 2024"):
        answer = alice.post("/api/v1/auth/password", json={"current": world.alice.password, "new": weak})
        assert answer.status_code == 422, weak
    made = {"email": "new.person@acme.example", "password": "new.person@acme.example"}
    assert dana.post("/api/v1/users", json=made).status_code == 422
    same = {"current": world.alice.password, "new": world.alice.password}
    assert alice.post("/api/v1/auth/password", json=same).status_code == 422
