"""An invitation makes one account, once, in one organisation, with what its inviter may still grant (I1, F7, F20)."""

import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest

PATH = "/api/v1/invitations"
PASSWORD = "a rather long sentence"


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def invite(client_of, world):
    """Invite somebody as one of the cast: (answer's data, the link's secret)."""

    def made(name="nora", roles=("user",), by="dana", **more):
        email = f"{name}@{world[by].tenant.slug}.example"
        answer = client_of(by).post(PATH, json={"email": email, "roles": roles, **more})
        assert answer.status_code == 201, answer.text
        data = answer.get_json()["data"]
        return data, data["link"].partition("#")[2]

    return made


@pytest.fixture
def redeem(app):
    def ask(token, **more):
        return app.test_client().post(f"{PATH}/redeem", json={"token": token, "password": PASSWORD, **more})

    return ask


def _people(owner, tenant, email):
    query = f"select count(*) from {tenant.schema}.app_user where email = %s"
    return owner.execute(query, [email]).fetchone()[0]


def test_a_link_makes_one_account_that_signs_in(app, invite, redeem, world, client_of, owner):
    data, token = invite(roles=["curator"], display_name="Nora New")
    looked = app.test_client().post(f"{PATH}/open", json={"token": token}).get_json()["data"]
    assert (looked["email"], looked["display_name"], looked["organisation"]) == (
        data["email"],
        "Nora New",
        "Acme Industries",
    )
    assert redeem(token, display_name="Nora Neumann").status_code == 201
    answer = app.test_client().post("/api/v1/auth/login", json={"email": data["email"], "password": PASSWORD})
    user = answer.get_json()["data"]["user"]
    assert (user["display_name"], user["roles"], user["tenant"]["slug"]) == (
        "Nora Neumann",
        ["curator"],
        world.acme.slug,
    )
    assert redeem(token).status_code == 404
    assert app.test_client().post(f"{PATH}/open", json={"token": token}).status_code == 404
    assert client_of("dana").get(PATH).get_json()["data"] == []
    granted = owner.execute(f"select granted_by from {world.acme.schema}.user_role where user_id = %s", [user["id"]])
    assert granted.fetchall() == [(world.dana.id,)]


def test_of_fifty_who_use_a_link_at_once_one_has_the_account(invite, redeem, world, owner):
    """F20: of fifty who accept at once, one has the account."""
    data, token = invite()
    barrier, codes = threading.Barrier(50), []

    def use():
        barrier.wait()
        codes.append(redeem(token).status_code)

    threads = [threading.Thread(target=use) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes.count(201) == 1 and set(codes) <= {201, 404, 503}, sorted(codes)
    assert _people(owner, world.acme, data["email"]) == 1


def test_a_link_of_one_organisation_opens_no_other(invite, redeem, world, owner):
    """F7: the tenant stands in the secret; another one put there makes another secret."""
    data, token = invite()
    raw = urlsafe_b64decode(token + "==")
    for other in (world.globex.id, world.platform.id):
        forged = urlsafe_b64encode(other.bytes + raw[16:]).decode().rstrip("=")
        assert redeem(forged).status_code == 404
        assert _people(owner, world.globex, data["email"]) == 0
    assert redeem(token).status_code == 201


def test_the_inviters_rights_count_when_the_link_is_used(invite, redeem, world, client_of, app):
    """F7: who was an administrator when inviting, and is none now, makes no administrators."""
    dana = client_of("dana")
    _roles(dana, world.alice, "admin")
    _, chief = invite("chief", ["admin"], by="alice")
    _, plain = invite("plain", ["user"], by="alice")
    _roles(dana, world.alice, "user")
    for token in (chief, plain):
        assert app.test_client().post(f"{PATH}/open", json={"token": token}).status_code == 200
        assert redeem(token).status_code == 404, "alice may not add people any more"
    maker = dana.post("/api/v1/roles", json={"name": "Adds", "permissions": ["users:manage"]}).get_json()["data"]
    _roles(dana, world.alice, "user", maker["key"])
    assert redeem(chief).status_code == 404, "alice may add people, but no administrators"
    assert redeem(plain).status_code == 201
    _roles(dana, world.alice, "admin")
    assert redeem(chief).status_code == 201


def test_a_suspended_or_deleted_inviters_links_are_dead(invite, redeem, world, client_of):
    dana = client_of("dana")
    _roles(dana, world.alice, "admin")
    _roles(dana, world.bob, "admin")
    tokens = [invite("one", by="alice")[1], invite("two", by="bob")[1]]
    dana.post(f"/api/v1/users/{world.alice.id}/suspend")
    dana.delete(f"/api/v1/users/{world.bob.id}")
    assert [redeem(token).status_code for token in tokens] == [404, 404]


def test_nobody_invites_to_more_than_they_may(client_of, world):
    dana = client_of("dana")
    maker = dana.post("/api/v1/roles", json={"name": "Adds", "permissions": ["users:manage"]}).get_json()["data"]
    _roles(dana, world.alice, "user", maker["key"])
    sent = {"email": f"x@{world.acme.slug}.example", "roles": ["admin"]}
    assert client_of("alice").post(PATH, json=sent).status_code == 403
    assert client_of("bob").post(PATH, json=sent).status_code == 403
    assert dana.post(PATH, json={**sent, "roles": ["platform_admin"]}).status_code == 422
    assert dana.post(PATH, json={**sent, "email": world.bob.email}).status_code == 409


def test_a_link_ends_is_withdrawn_or_replaced(invite, redeem, world, client_of, owner):
    dana = client_of("dana")
    data, token = invite()
    assert dana.delete(f"{PATH}/{data['id']}").status_code == 200
    assert redeem(token).status_code == 404
    _, first = invite()
    _, second = invite()
    assert redeem(first).status_code == 404, "the newer one replaces it"
    owner.execute(f"update {world.acme.schema}.invitation set expires_at = now() - interval '1 second'")
    assert redeem(second).status_code == 404
    assert [row["state"] for row in dana.get(PATH).get_json()["data"]] == ["expired"]


def test_every_link_that_does_not_hold_has_the_same_answer(invite, redeem, world, client_of):
    data, token = invite()
    client_of("dana").delete(f"{PATH}/{data['id']}")
    answers = set()
    for one in (token, token[:-4] + "AAAA", "x", "é" * 54, "!" * 54, urlsafe_b64encode(bytes(40)).decode().rstrip("=")):
        answer = redeem(one)
        answers.add((answer.status_code, answer.get_json()["error"]["code"], answer.get_json()["error"]["message"]))
    assert len(answers) == 1 and next(iter(answers))[0] == 404


def test_a_weak_password_leaves_the_link_unused(invite, redeem):
    _, token = invite()
    weak = redeem(token, password="short")
    assert weak.status_code == 422 and "password" in weak.get_json()["error"]["fields"]
    assert redeem(token).status_code == 201


def test_a_suspended_organisation_takes_nobody_in(invite, redeem, world, client_of):
    _, token = invite()
    petra = client_of("petra")
    assert petra.post(f"/api/v1/tenants/{world.acme.id}/suspend").status_code == 200
    assert redeem(token).status_code == 404
    petra.post(f"/api/v1/tenants/{world.acme.id}/resume")
    assert redeem(token).status_code == 201


def test_the_secret_is_kept_nowhere_and_the_trail_tells_the_rest(invite, redeem, world, owner):
    data, token = invite()
    redeem(token)
    kept = owner.execute(f"select string_agg(e::text, ' ') from {world.acme.schema}.audit_event e").fetchone()[0]
    assert token not in kept and token[22:] not in kept
    found = owner.execute(
        f"select action, actor->>'display', targets->0->>'display' from {world.acme.schema}.audit_event"
        " where action like 'invitation.%' or action = 'user.created' order by recorded_at desc, event_id desc limit 3"
    ).fetchall()
    assert found == [
        ("user.created", data["email"], data["email"]),
        ("invitation.redeemed", data["email"], data["email"]),
        ("invitation.created", world.dana.email, data["email"]),
    ]


def test_another_organisations_invitations_are_not_there(invite, client_of):
    data, _ = invite()
    greta = client_of("greta")
    assert greta.get(PATH).get_json()["data"] == []
    assert greta.delete(f"{PATH}/{data['id']}").status_code == 404


def _roles(client, person, *roles):
    answer = client.put(f"/api/v1/users/{person.id}/roles", json={"roles": roles})
    assert answer.status_code == 200, answer.text
