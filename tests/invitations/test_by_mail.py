"""Where Onyx sends mail the link goes to whom it is for, and to nobody else (I1)."""

import re

import pytest

from tests.passwords.test_reset import _make_due

PATH = "/api/v1/invitations"
PASSWORD = "a rather long sentence"


@pytest.fixture
def invite(client_of, world):
    def made(name="nora", by="dana"):
        sent = {"email": f"{name}@{world[by].tenant.slug}.example", "display_name": "Nora New"}
        answer = client_of(by).post(PATH, json=sent)
        assert answer.status_code == 201, answer.text
        return answer.get_json()["data"]

    return made


def _secret(letter):
    found = re.search(r"https://onyx\.example/invitation#([\w-]+)", letter.get_content())
    assert found, letter.get_content()
    return found[1]


def test_the_link_goes_by_mail_and_stands_nowhere_else(app, mailbox, send_mail, invite, world, owner):
    made = invite()
    assert (made["mailed"], made["link"]) == (True, None)
    send_mail()
    (letter,) = [one for one in mailbox.letters if one["To"] == made["email"]]
    assert "Acme" in letter["Subject"]
    assert world.dana.name in letter.get_content()
    token = _secret(letter)
    for table in ("invitation", "outgoing_mail", "audit_event"):
        text = owner.execute(f"select string_agg(t::text, ' ') from {world.acme.schema}.{table} t").fetchone()[0]
        assert token not in text, table
    answer = app.test_client().post(f"{PATH}/redeem", json={"token": token, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    told = owner.execute(
        f"select targets -> 0 ->> 'display' from {world.acme.schema}.audit_event where action = 'mail.sent'"
    ).fetchall()
    assert told == [(made["email"],)]


def test_what_was_withdrawn_before_its_turn_is_not_sent(mailbox, send_mail, invite, client_of, posted, world):
    made = invite()
    assert client_of("dana").delete(f"{PATH}/{made['id']}").status_code == 200
    send_mail()
    assert made["email"] not in [letter["To"] for letter in mailbox.letters] and posted(world.acme) == ["dropped"]


def test_a_mail_that_is_tried_again_brings_a_link_that_works(app, mailbox, send_mail, invite, owner, world):
    invite()
    mailbox.refuse = b"450 later"
    send_mail()
    mailbox.refuse = None
    mailbox.letters.clear()  # the server took the text of what it then refused
    _make_due(owner, world.acme)
    send_mail()
    token = _secret(mailbox.letters[-1])
    assert app.test_client().post(f"{PATH}/open", json={"token": token}).status_code == 200


def test_a_file_of_people_sends_a_mail_to_each(mailbox, send_mail, client_of, world):
    slug = world.acme.slug
    text = f"email\nann@{slug}.example\nben@{slug}.example\n"
    answer = client_of("dana").post("/api/v1/users/import", data=text, content_type="text/csv")
    results = answer.get_json()["data"]["results"]
    assert [(row["mailed"], row["link"]) for row in results] == [(True, None)] * 2
    send_mail()
    assert {row["email"] for row in results} <= {letter["To"] for letter in mailbox.letters}
