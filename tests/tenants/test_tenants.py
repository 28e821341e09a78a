"""The platform creates organisations, closes them and opens them again; nobody else does (T1, T8)."""

import os

import pytest

from tests.cast import PASSWORD
from tests.waiting import promptly


@pytest.fixture
def slug():
    return f"try-{os.urandom(4).hex()}"


def _new(petra, slug, **more):
    return petra.post(
        "/api/v1/tenants", json={"slug": slug, "name": "Try", "admin_email": f"boss@{slug}.example", **more}
    )


def test_a_tenant_is_created_with_an_administrator_who_can_work(client_of, steward, slug, app, owner):
    petra = client_of("petra")
    answer = _new(petra, slug)
    assert answer.status_code == 201, answer.text
    made = answer.get_json()["data"]
    sent = {"email": made["admin"]["email"], "password": PASSWORD}
    secret = {"token": made["admin"]["link"].partition("#")[2], "display_name": "Boss", "password": PASSWORD}
    assert app.test_client().post("/api/v1/auth/login", json=sent).status_code == 401, "not before it is accepted"
    assert app.test_client().post("/api/v1/invitations/redeem", json=secret).status_code == 201
    assert app.test_client().post("/api/v1/invitations/redeem", json=secret).status_code == 404, "once"
    token = app.test_client().post("/api/v1/auth/login", json=sent).get_json()["data"]["token"]
    people = app.test_client().get("/api/v1/users", headers={"Authorization": f"Bearer {token}"}).get_json()["data"]
    assert [row["roles"] for row in people] == [["admin"]]
    assert _new(petra, slug).status_code == 409
    platform = petra.get("/api/v1/users/me").get_json()["data"]["tenant"]["id"].replace("-", "")
    told = owner.execute(
        f"select targets->0->>'display' from tenant_{platform}.audit_event where action = 'tenant.created'"
    ).fetchall()
    assert (slug,) in told


@pytest.mark.parametrize("wrong", ["Ab", "a", "-abc", "abc-", "a_b", "a" * 41, "platform", "admin", ""])
def test_malformed_and_reserved_names_are_refused(client_of, wrong):
    answer = _new(client_of("petra"), wrong)
    assert answer.status_code == 422 and "slug" in answer.get_json()["error"]["fields"]


def test_without_a_steward_nothing_is_claimed_to_have_happened(client_of, slug, monkeypatch, owner):
    monkeypatch.setattr("onyx.tenants.service.PATIENCE", 0.3)
    assert _new(client_of("petra"), slug).status_code == 503
    assert owner.execute("select 1 from onyx.tenant where slug = %s", [slug]).fetchone() is None
    owner.execute("delete from onyx.steward_request where arguments->>'slug' = %s", [slug])


def test_a_suspended_tenant_is_closed_and_the_other_is_not(client_of, app, fresh_world, request):
    world = fresh_world

    def sign_in(name):
        return app.test_client().post(
            "/api/v1/auth/login", json={"email": world[name].email, "password": world[name].password}
        )

    def me(answer):
        headers = {"Authorization": f"Bearer {answer.get_json()['data']['token']}"}
        return app.test_client().get("/api/v1/users/me", headers=headers)

    petra, alice, mallory = client_of("petra"), sign_in("alice"), sign_in("mallory")
    path = f"/api/v1/tenants/{world.acme.id}"
    assert petra.post(f"{path}/suspend").get_json()["data"]["status"] == "suspended"
    assert me(alice).status_code == 401 and me(alice).get_json()["error"]["reason"] == "tenant_suspended"
    assert me(mallory).status_code == 200
    assert sign_in("alice").status_code == 401
    assert petra.post(f"{path}/resume").get_json()["data"]["status"] == "active"
    assert me(alice).status_code == 401, "people sign in anew"
    assert sign_in("alice").status_code == 200


@pytest.mark.slow
def test_sockets_of_a_suspended_tenant_close_within_a_second(server, socket_of, client_of, world, sign_in):
    two = server(processes=2)
    petra = two.http(sign_in("petra")["token"])
    sockets = [socket_of("alice", two) for _ in range(4)]
    other = socket_of("mallory", two)
    with promptly(1.5):
        assert petra.post(f"/api/v1/tenants/{world.acme.id}/suspend").status_code == 200
        for one in sockets:
            assert one.wait_for("session:revoked")["reason"] == "tenant_suspended"
    assert other.connected and [event for event, _ in other.heard if event == "session:revoked"] == []
    assert petra.post(f"/api/v1/tenants/{world.acme.id}/resume").status_code == 200


def test_a_new_name_is_read_by_its_people_at_once(client_of, world):
    petra, alice = client_of("petra"), client_of("alice")
    assert alice.get("/api/v1/users/me").get_json()["data"]["tenant"]["name"] == "Acme Industries"
    assert petra.patch(f"/api/v1/tenants/{world.acme.id}", json={"name": "Acme & Co"}).status_code == 200
    assert alice.get("/api/v1/users/me").get_json()["data"]["tenant"]["name"] == "Acme & Co"
    assert petra.patch(f"/api/v1/tenants/{world.acme.id}", json={"name": "  "}).status_code == 422


def test_the_platform_itself_stays_open(client_of, world):
    assert client_of("petra").post(f"/api/v1/tenants/{world.platform.id}/suspend").status_code == 409


def test_tenants_are_nobody_elses_business(client_of, world):
    for name in ("dana", "alice", "carol"):
        client = client_of(name)
        assert client.get("/api/v1/tenants").status_code == 403
        assert client.post(f"/api/v1/tenants/{world.globex.id}/suspend").status_code == 403
        assert client.get("/platform/").status_code == 403
    assert client_of("petra").get("/api/v1/tenants/01a1fee4-d19d-7e82-9af6-9fcc261aeb14").status_code == 404


def test_the_list_is_paged_and_counts_people(client_of, world):
    petra = client_of("petra")
    rows, after = {}, ""
    while after is not None:
        page = petra.get(f"/api/v1/tenants?limit=3&after={after}").get_json()
        rows.update({row["slug"]: row for row in page["data"]})
        after = page["next"]
    assert (rows[world.acme.slug]["people"], rows[world.globex.slug]["people"]) == (6, 3)
    found = petra.get(f"/api/v1/tenants?q={world.acme.slug[:-2].upper()}").get_json()["data"]
    assert [row["slug"] for row in found] == [world.acme.slug]


def test_the_pages_of_the_platform_come(client_of, world):
    petra = client_of("petra")
    for path in ("/platform/", "/platform/sessions", f"/platform/tenants/{world.acme.id}"):
        assert petra.get(path, headers={"Accept": "text/html"}).status_code == 200
