"""Whoever is to run a new organisation gets its link by mail where Onyx sends mail, and by nobody's hands (T1, I1)."""

from __future__ import annotations

import json
import os
import re

import pytest

from tests.cast import PASSWORD
from tests.passwords.conftest import mailbox, send_mail  # noqa: F401


@pytest.fixture
def slug():
    return f"first-{os.urandom(4).hex()}"


def _secret(letter):
    found = re.search(r"https://onyx\.example/invitation#([\w-]+)", letter.get_content())
    assert found, letter.get_content()
    return found[1]


def _redeem(app, token):
    return app.test_client().post("/api/v1/invitations/redeem", json={"token": token, "password": PASSWORD})


def test_the_link_goes_by_mail_and_stands_nowhere_else(client_of, steward, mailbox, send_mail, slug, app, owner):  # noqa: F811
    sent = {"slug": slug, "name": "First & Co", "admin_email": f"boss@{slug}.example", "admin_name": "Bo Boss"}
    answer = client_of("petra").post("/api/v1/tenants", json=sent)
    assert answer.status_code == 201, answer.text
    made = answer.get_json()["data"]
    assert (made["admin"]["mailed"], made["admin"]["link"]) == (True, None)
    schema = f"tenant_{made['id'].replace('-', '')}"

    mailbox.refuse = b"450 later"
    send_mail()
    mailbox.refuse = None
    mailbox.letters.clear()  # the server took the text of what it then refused
    assert owner.execute(f"select mail_attempts, mail_due_at > now() from {schema}.invitation").fetchall() == [
        (1, True)
    ]
    owner.execute(f"update {schema}.invitation set mail_due_at = now()")
    owner.execute("update onyx.due set due_at = now() where job = 'mail'")
    send_mail()
    (letter,) = [one for one in mailbox.letters if one["To"] == sent["admin_email"]]
    assert "First & Co" in letter["Subject"] and "Hello Bo Boss" in letter.get_content()
    token = _secret(letter)
    for table in ("invitation", "outgoing_mail", "audit_event"):
        text = owner.execute(f"select string_agg(t::text, ' ') from {schema}.{table} t").fetchone()[0]
        assert token not in (text or ""), table
    told = owner.execute(
        f"select targets -> 0 ->> 'display', outcome from {schema}.audit_event where action = 'mail.sent'"
    ).fetchall()
    assert told == [(sent["admin_email"], "success")]
    send_mail()
    assert len([one for one in mailbox.letters if one["To"] == sent["admin_email"]]) == 1, "once"
    assert _redeem(app, token).status_code == 201 and _redeem(app, token).status_code == 404


def test_one_more_administrator_and_the_shell_do_the_same(client_of, mailbox, send_mail, slug, app, world, owner_url):  # noqa: F811
    path = f"/api/v1/tenants/{world.globex.id}/admins"
    second = client_of("petra").post(path, json={"email": f"two@{world.globex.slug}.example"}).get_json()["data"]
    state = app.extensions["onyx"]
    state.settings = state.settings.model_copy(update={"database_owner_url": owner_url})
    words = ("tenants", "create", slug, "--name", "First", "--admin-email", f"boss@{slug}.example", "--json")
    third = json.loads(app.test_cli_runner().invoke(args=list(words)).output)
    assert [(one["mailed"], one["link"]) for one in (second, third)] == [(True, None)] * 2
    send_mail()
    assert {second["email"], third["admin_email"]} <= {letter["To"] for letter in mailbox.letters}


def test_where_no_mail_is_sent_the_link_is_shown(client_of, world):
    path = f"/api/v1/tenants/{world.globex.id}/admins"
    made = client_of("petra").post(path, json={"email": f"three@{world.globex.slug}.example"}).get_json()["data"]
    assert made["mailed"] is False and "/invitation#" in made["link"]
