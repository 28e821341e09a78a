"""An address is one address, written in one way: what looks like another one, or holds two, is nobody's (T10, I1)."""

from __future__ import annotations

import pytest

from onyx.access.people import checked_name
from onyx.core.errors import Invalid
from onyx.mail import smtp
from onyx.mail.kinds import Message
from tests.passwords.conftest import mailbox, posted, send_mail  # noqa: F401 - fixtures


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def dana(client_of):
    found = client_of("dana")
    answer = found.patch("/api/v1/tenant/settings", json={"email_domains": ["acme.example"]})
    assert answer.status_code == 200, answer.text
    return found


TWO = "eve@evil.example,x@acme.example"


@pytest.mark.shares_world
@pytest.mark.parametrize(
    "email",
    [
        TWO,
        "eve@evil.example@acme.example",
        "eve<eve@evil.example>@acme.example",
        "alice@acme.example.",
        "zoe@stra\u00dfe.example",
        "alice@acme\u3002example",
        "al\u00adice@acme.example",
        "alice\u200b@acme.example",
        "\u202ealice@acme.example",
    ],
)
def test_what_is_not_one_plain_address_is_refused(dana, email):
    for path, more in (("/api/v1/users", {}), ("/api/v1/invitations", {"roles": ["user"]})):
        answer = dana.post(path, json={"email": email, "display_name": "Somebody", "roles": ["user"], **more})
        assert answer.status_code == 422, (path, answer.text)


def test_a_directorys_names_are_not_two_addresses_either():
    """They need no e-mail: `ada`, or the name of a house without a dot, as Active Directory has them."""
    assert [checked_name(name) for name in (" Ada", "ACME\\ada", "ada@corp")] == ["ada", "acme\\ada", "ada@corp"]
    for name in (TWO, "ada@", "@corp", "ada@corp@acme.example", "a\u200bda"):
        with pytest.raises(Invalid):
            checked_name(name)


def test_one_spelling_is_one_person(dana):
    """Composed or not, wide or narrow: the same letters are the same address."""
    for email in (
        "jos\u00e9@acme.example",
        "jose\u0301@acme.example",
        "\uff4aos\u00e9@acme.example",
        "jos\u00e9@\uff41cme.example",
    ):
        answer = dana.post("/api/v1/users", json={"email": email, "display_name": "J", "roles": ["user"]})
        assert answer.status_code == (201 if email == "jos\u00e9@acme.example" else 409), (email, answer.text)


def test_a_mail_goes_to_one_receiver_alone(mailbox, send_mail, owner, world, client_of, posted):  # noqa: F811
    """Also one to an address that was kept before such ones were refused."""
    people = f"{world.acme.schema}.app_user"
    owner.execute(f"alter table {people} disable trigger user")
    owner.execute(f"update {people} set email = %s where id = %s", [TWO, world.bob.id])
    owner.execute(f"alter table {people} enable trigger user")
    assert client_of("dana").post(f"/api/v1/users/{world.bob.id}/reset-link").status_code == 200
    send_mail()
    assert posted(world.acme) == ["failed"]
    assert [to for to in (str(one["To"]) for one in mailbox.letters) if "evil.example" in to or "x@" in to] == []


@pytest.mark.parametrize("address", ["jörg@acme.example", "ada@corp", "o'brien+x@acme.example"])
def test_an_unusual_address_is_one_receiver(address):
    assert (
        smtp._letter("onyx@acme.example", Message(address, "Subject", "Text"))["To"].addresses[0].addr_spec == address
    )
