"""What went to somebody's former e-mail is worth nothing once they have another one."""

from __future__ import annotations

from tests.cast import PASSWORD

NEW = "nine quiet herons wade"


def test_a_link_ends_with_the_e_mail_that_it_went_to(app, client_of, link_of, world):
    """Whoever still reads the old mailbox must not come in by a link that was asked for before."""
    link = link_of("alice")
    moved = client_of("dana").patch(f"/api/v1/users/{world.alice.id}", json={"email": "alice.new@acme.example"})
    assert moved.status_code == 200, moved.text
    answer = app.test_client().post("/api/v1/auth/password/reset", json={"token": link, "new": NEW})
    assert answer.status_code != 200 and answer.get_json()["error"]["code"] == "link_over"
    signs_in = {"email": "alice.new@acme.example", "password": PASSWORD}
    assert app.test_client().post("/api/v1/auth/login", json=signs_in).status_code == 200
