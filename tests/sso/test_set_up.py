"""Setting up single sign-on, and where Onyx may be sent by it (F26)."""

from __future__ import annotations

import pytest

from onyx.core.networks import is_public


def _save(client, **more):
    sent = {
        "issuer": "https://id.acme.example",
        "client_id": "x",
        "client_secret": "y",
        "domains": ["acme.example"],
        **more,
    }
    return client.put("/api/v1/sso", json=sent)


def test_the_secret_is_sealed_and_never_shown(set_up, idp, client_of, owner, world):
    answer = set_up()
    assert answer.status_code == 200 and idp.client.client_secret not in answer.text
    shown = client_of("dana").get("/api/v1/sso").get_json()["data"]
    assert shown["configured"] and shown["issuer"] == idp.url and "client_secret" not in shown
    assert shown["callback_url"].endswith(f"/login/sso/{world.acme.slug}/callback")
    for table in ("sso_provider", "audit_event"):
        text = owner.execute(f"select string_agg(t::text, ' ') from {world.acme.schema}.{table} t").fetchone()[0]
        assert idp.client.client_secret not in text and idp.client.client_secret.encode().hex() not in text


def test_a_secret_is_not_sent_to_another_issuer(set_up, idp):
    """Whoever changes the issuer must know the secret: else it could be fetched by naming an issuer of one's own."""
    assert set_up().status_code == 200
    assert set_up(client_secret=None, default_role="limited").status_code == 200
    assert set_up(client_secret=None, client_id="another").status_code == 422


def test_a_sealed_secret_moved_to_another_tenant_does_not_open(set_up, owner, world, app):
    from onyx.tenancy.sealed import unseal

    set_up()
    sealed = bytes(owner.execute(f"select sealed_secret from {world.acme.schema}.sso_provider").fetchone()[0])
    with app.app_context():
        assert unseal("sso-secret", sealed, b"", tenant=world.acme.id)
        with pytest.raises(ValueError):
            unseal("sso-secret", sealed, b"", tenant=world.globex.id)


def test_new_people_begin_as_users_at_most(set_up):
    for role in ("admin", "auditor", "platform_admin", "nonsense"):
        assert set_up(default_role=role).status_code == 422, role
    for domains in ([], ["acme"], ["*.example"], ["acme.example/"], [" "]):
        assert set_up(domains=domains).status_code == 422, domains


@pytest.mark.parametrize(
    "issuer",
    ["http://id.acme.example", "https://127.0.0.1", "https://localhost:8000", "https://[::1]", "https://[::ffff:127.0.0.1]/", "https://10.0.0.1",
     "https://[64:ff9b::7f00:1]", "https://169.254.169.254", "https://0.0.0.0", "https://2130706433", "https://user@id.acme.example",
     "file:///etc/passwd", "https://", "gopher://id.acme.example", "https://127.1", "https://id.acme.example#x"],
)  # fmt: skip
def test_f26_onyx_is_not_led_into_its_own_house(client_of, issuer):
    """F26: addresses of the house itself are refused in every spelling, IPv4-mapped IPv6 too."""
    answer = _save(client_of("dana"), issuer=issuer)
    assert answer.status_code == 422 and "issuer" in answer.get_json()["error"]["fields"], answer.text


@pytest.mark.parametrize(
    ("address", "public"),
    [("127.0.0.1", False), ("10.1.2.3", False), ("192.168.0.1", False), ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False),
     ("::1", False), ("::", False), ("fe80::1%eth0", False), ("fd00::1", False), ("::ffff:127.0.0.1", False), ("::ffff:10.0.0.1", False),
     ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False), ("224.0.0.1", False), ("255.255.255.255", False),
     ("8.8.8.8", True), ("2606:4700::1111", True), ("::ffff:8.8.8.8", True)],
)  # fmt: skip
def test_f26_what_counts_as_the_open_internet(address, public):
    assert is_public(address) is public


def test_redirects_are_not_followed_and_the_name_must_be_its_own(set_up, idp):
    assert set_up(issuer=f"{idp.url}/moved").status_code == 503
    idp.calls_itself = "https://elsewhere.example"
    assert set_up().status_code == 503


@pytest.mark.parametrize("name", ["alice", "carol", "lee"])
def test_only_administrators_set_it_up(client_of, name):
    client = client_of(name)
    assert client.get("/api/v1/sso").status_code == 403
    assert _save(client).status_code == 403
    assert client.get("/admin/sso").status_code == 403


def test_the_pages_are_there_and_it_can_be_removed(set_up, client_of):
    set_up()
    dana = client_of("dana")
    assert "Redirect address" in dana.get("/admin/sso").text
    assert dana.delete("/api/v1/sso").get_json()["data"] == {"removed": True}
    assert dana.get("/api/v1/sso").get_json()["data"]["configured"] is False
    assert "has no sign-in service of its own" in client_of("alice").get("/settings/sso").text
