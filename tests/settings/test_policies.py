"""What an organisation asks of addresses, passwords and networks, wherever they come in (T10, I5)."""

from __future__ import annotations

import pytest
import socketio.exceptions

from tests.settings.conftest import SETTINGS, error_in
from tests.waiting import until

ME = "/api/v1/users/me"
GOOD = "drei graue Enten laufen"
HERE, ELSEWHERE = "198.51.100.7", "203.0.113.9"


def _from(address):
    return {"REMOTE_ADDR": address}


@pytest.fixture
def only_acme(decide, world):
    assert decide(email_domains=["ACME.test", "bücher.test"]).status_code == 200


def test_only_addresses_of_the_domains_come_in(only_acme, client_of, world, app):
    dana = client_of("dana")

    def create(email):
        return dana.post("/api/v1/users", json={"email": email, "password": GOOD})

    refused = create("somebody@elsewhere.test")
    assert refused.status_code == 422 and "acme.test" in error_in(refused)["fields"]["email"]
    assert create("a@sub.acme.test").status_code == 422
    assert create("a@acme.test.elsewhere.test").status_code == 422
    assert create("Anna@ACME.test").status_code == 201
    assert create("b@bücher.test").status_code == 201
    assert dana.post("/api/v1/invitations", json={"email": "c@elsewhere.test", "roles": ["user"]}).status_code == 422
    assert dana.post("/api/v1/invitations", json={"email": "c@acme.test", "roles": ["user"]}).status_code == 201
    petra, admins = client_of("petra"), f"/api/v1/tenants/{world.acme.id}/admins"
    for sign_in in ("invitation", "password"):
        sent = {"display_name": "Chief", "sign_in": sign_in}
        assert petra.post(admins, json={**sent, "email": f"{sign_in}@elsewhere.test"}).status_code == 422
        assert petra.post(admins, json={**sent, "email": f"{sign_in}@acme.test"}).status_code == 201
    moved = dana.patch(f"/api/v1/users/{world.alice.id}", json={"email": "alice@elsewhere.test"})
    assert moved.status_code == 422
    assert dana.patch(f"/api/v1/users/{world.alice.id}", json={"display_name": "Alice A."}).status_code == 200
    assert dana.patch(f"/api/v1/users/{world.alice.id}", json={"email": "alice@acme.test"}).status_code == 200
    for make in ("accounts", "invitations"):
        csv = f"email,display_name,roles\nd-{make}@elsewhere.test,D,user\ne-{make}@acme.test,E,user\n"
        taken = dana.post(f"/api/v1/users/import?make={make}", data=csv, content_type="text/csv").get_json()["data"]
        assert (taken["done"], taken["refused"]) == (1, 1), taken


def test_a_directory_brings_only_addresses_of_the_domains(only_acme, client_of, app):
    made = client_of("dana").post("/api/v1/api-keys", json={"name": "d", "permissions": ["scim:provision"]})
    directory = app.test_client()
    directory.token = made.get_json()["data"]["key"]
    schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"]
    for name, status in (("x@elsewhere.test", 400), ("x", 400), ("x@acme.test", 201)):
        answer = directory.post("/scim/v2/Users", json={"schemas": schemas, "userName": name})
        assert answer.status_code == status, answer.text
    id = answer.get_json()["id"]
    wanted = {"schemas": schemas, "userName": "x@elsewhere.test"}
    assert directory.put(f"/scim/v2/Users/{id}", json=wanted).status_code == 400


def test_passwords_are_as_long_as_the_organisation_asks_and_leave_out_its_words(decide, client_of, app, world):
    assert decide(password_min_length=24, password_banned_words=["Rocket", "acme"]).status_code == 200
    dana, alice = client_of("dana"), client_of("alice")

    def change(new):
        return alice.post("/api/v1/auth/password", json={"current": world.alice.password, "new": new})

    short = change(GOOD)
    assert short.status_code == 422 and "24" in error_in(short)["fields"]["password"]
    for word in ("rocket", "R0CKET", "AcMe"):
        banned = change(f"drei graue {word} Enten laufen")
        assert banned.status_code == 422 and "does not allow" in error_in(banned)["fields"]["password"], word
    created = {"email": "n@acme.example", "password": GOOD}
    assert dana.post("/api/v1/users", json=created).status_code == 422
    made = dana.post("/api/v1/users", json={"email": "n@acme.example"}).get_json()["data"]["password"]
    assert len(made) >= 24
    again = dana.post(f"/api/v1/users/{world.bob.id}/reset-password").get_json()["data"]["password"]
    assert len(again) >= 24
    link = dana.post(f"/api/v1/users/{world.lee.id}/reset-link").get_json()["data"]["link"]
    token = link.rpartition("#")[2].rpartition("=")[2]
    reset = app.test_client().post("/api/v1/auth/password/reset", json={"token": token, "new": GOOD})
    assert reset.status_code == 422
    assert change("drei graue Enten laufen herum").status_code == 200
    assert (
        client_of("mallory")
        .post("/api/v1/auth/password", json={"current": world.mallory.password, "new": GOOD})
        .status_code
        == 200
    ), "another organisation asks for what it asks for"


def test_who_comes_from_elsewhere_is_refused_on_every_way_in(client_of, allow, app, world, events):
    alice = client_of("alice")
    made = alice.post("/api/v1/api-keys", json={"name": "p", "permissions": ["chat:use"]}).get_json()["data"]
    program = app.test_client()
    program.token = made["key"]
    allow(ip_allow=[HERE, "2001:db8::/32"])
    for client in (alice, program):
        assert client.get(ME, environ_overrides=_from(HERE)).status_code == 200
        assert client.get(ME, environ_overrides=_from(f"::ffff:{HERE}")).status_code == 200
        assert client.get(ME, environ_overrides=_from("2001:db8:1::1")).status_code == 200
        for address in (ELSEWHERE, "2001:db9::1", f"::ffff:{ELSEWHERE}", ""):
            refused = client.get(ME, environ_overrides=_from(address))
            assert refused.status_code == 403 and error_in(refused)["code"] == "address_refused", address
    page = alice.get("/", headers={"Accept": "text/html"}, environ_overrides=_from(ELSEWHERE))
    assert page.status_code == 403 and b"network" in page.data
    told = [event for event in events(world.acme, "access.denied") if event["reason"] == "address_refused"]
    assert 1 <= len(told) <= 4, "a line each minute, not one for each try"
    assert client_of("mallory").get(ME, environ_overrides=_from(ELSEWHERE)).status_code == 200


def test_nobody_locks_themselves_out_and_the_platform_opens_the_door_again(client_of, allow, world):
    dana = client_of("dana")
    refused = dana.patch(SETTINGS, json={"ip_allow": [ELSEWHERE]}, environ_overrides=_from(HERE))
    assert refused.status_code == 422 and HERE in error_in(refused)["fields"]["ip_allow"]
    assert dana.get(ME, environ_overrides=_from(HERE)).status_code == 200
    both = {"ip_allow": [ELSEWHERE, f"{HERE}/24"]}
    assert dana.patch(SETTINGS, json=both, environ_overrides=_from(HERE)).status_code == 200
    allow(ip_allow=[ELSEWHERE])
    assert dana.get(ME, environ_overrides=_from(HERE)).status_code == 403
    allow(ip_allow=None)
    assert dana.get(ME, environ_overrides=_from(HERE)).status_code == 200


def test_sockets_are_held_to_the_same_networks_behind_a_proxy_that_is_trusted(server, sign_in, socket_of, world):
    """The last proxy says who came; what the client itself put before it does not count."""
    behind = server(fresh=True, TRUSTED_PROXIES="1")
    petra, alice = sign_in("petra")["token"], sign_in("alice")["token"]

    def forwarded(said):
        return {"X-Forwarded-For": said}

    with behind.http(alice) as alices, behind.http(petra) as petras:
        socket = socket_of("alice", behind, token=alice)
        allowed = {"settings": {"ip_allow": [HERE]}}
        assert petras.patch(f"/api/v1/tenants/{world.acme.id}", json=allowed).status_code == 200
        assert socket.wait_for("session:revoked") == {"reason": "address_refused"}
        assert alices.get(ME, headers=forwarded(HERE)).status_code == 200
        assert alices.get(ME, headers=forwarded(f"{HERE}, {ELSEWHERE}")).status_code == 403
        assert alices.get(ME).status_code == 403
        inside = _connected(behind, alice, forwarded(f"{ELSEWHERE}, {HERE}"))
        assert inside.call("message:sent", {"content": "hello"}, timeout=60)["ok"]
        inside.disconnect()
        with pytest.raises(socketio.exceptions.ConnectionError):
            _connected(behind, alice, forwarded(ELSEWHERE))
        assert petras.patch(f"/api/v1/tenants/{world.acme.id}", json={"settings": {"ip_allow": []}}).status_code == 200
        until(lambda: alices.get(ME).status_code == 200)


def _connected(server, token, headers):
    client = socketio.Client(reconnection=False)
    try:
        client.connect(server.url, transports=["websocket"], auth={"token": token}, headers=headers, wait_timeout=60)
    except socketio.exceptions.ConnectionError:
        if client.eio.ws is not None:
            client.eio.ws.close()
        if client.eio.http is not None:
            client.eio.http.close()
        raise
    return client


def test_signing_in_from_elsewhere_opens_nothing(app, allow, world, client_of):
    allow(ip_allow=[HERE])
    sent = {"email": world.alice.email, "password": world.alice.password}
    refused = app.test_client().post("/api/v1/auth/login", json=sent, environ_overrides=_from(ELSEWHERE))
    assert refused.status_code == 403 and error_in(refused)["code"] == "address_refused"
    wrong = {**sent, "password": "not the one that it is"}
    assert (
        app.test_client().post("/api/v1/auth/login", json=wrong, environ_overrides=_from(ELSEWHERE)).status_code == 401
    )
    assert app.test_client().post("/api/v1/auth/login", json=sent, environ_overrides=_from(HERE)).status_code == 200
