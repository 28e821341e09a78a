"""What a new organisation still needs is said, and goes away when it is done (U1)."""

import re

ORDER = ("people", "second person", "auditor", "signed in", "language model", "mail")


def _open_ones(client):
    page = client.get("/admin/").text
    found = re.findall(r'<li class="(done)?">(.*?)</li>', page, flags=re.S)
    assert len(found) == len(ORDER)
    for words, (_, text) in zip(ORDER, found, strict=True):
        assert words in text.lower(), (words, text)
    return {words for words, (done, _) in zip(ORDER, found, strict=True) if not done}


def test_what_is_done_is_told_from_what_is_not(client_of, world):
    dana = client_of("dana")
    before = _open_ones(dana)
    assert {"second person", "signed in", "mail"} <= before and not before & {"people", "auditor"}
    assert dana.patch("/api/v1/settings/sessions", json={"session_max_concurrent": 3}).status_code == 200
    roles = {"roles": ["admin", "user"]}
    assert dana.put(f"/api/v1/users/{world.alice.id}/roles", json=roles).status_code == 200
    assert before - _open_ones(dana) == {"second person", "signed in"}
    page = dana.get("/admin/").text
    assert "Send me a test mail" not in page and 'data-testid="test-model"' in page
    assert 'href="/admin/settings#assistant"' in page, "what is still to do leads to where it is done"


def test_a_test_mail_reaches_whoever_asks_for_it(client_of, world, mailbox, send_mail):
    dana = client_of("dana")
    assert "mail" not in _open_ones(dana) and "Send me a test mail" in dana.get("/admin/").text
    assert dana.post("/api/v1/mail/test").get_json()["data"] == {"to": world.dana.email}
    send_mail()
    (letter,) = [one for one in mailbox.letters if one["To"] == world.dana.email]
    assert "works" in letter["Subject"]
    assert client_of("alice").post("/api/v1/mail/test").status_code == 403


def test_without_mail_that_is_said(client_of):
    answer = client_of("dana").post("/api/v1/mail/test")
    assert answer.status_code == 409 and "SMTP_URL" in answer.get_json()["error"]["message"]
