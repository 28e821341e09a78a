"""Administrators manage the people of their own tenant, and nobody else's."""

import pytest

FOREIGN = "/api/v1/users/{}"


def _create(dana, **more):
    sent = {"email": "new@acme.example", "display_name": "Nora New", "roles": ["user"], **more}
    return dana.post("/api/v1/users", json=sent)


def test_a_person_is_created_with_a_password_shown_once(client_of, app, fresh_world, world):
    dana = client_of("dana")
    email = f"nora@{world.acme.slug}.example"
    made = _create(dana, email=email)
    assert made.status_code == 201
    password = made.get_json()["data"]["password"]
    again = dana.get(f"/api/v1/users/{made.get_json()['data']['id']}").get_json()["data"]
    assert "password" not in again and again["roles"] == ["user"]
    answer = app.test_client().post("/api/v1/auth/login", json={"email": email, "password": password})
    assert answer.status_code == 200
    assert _create(dana, email=email).status_code == 409


def test_lists_are_pages_that_meet_without_gap_or_overlap(client_of, world):
    dana = client_of("dana")
    whole = [row["id"] for row in dana.get("/api/v1/users?limit=200").get_json()["data"]]
    seen, after = [], ""
    while after is not None:
        page = dana.get(f"/api/v1/users?limit=2{'&after=' + after if after else ''}").get_json()
        seen += [row["id"] for row in page["data"]]
        after = page["next"]
    assert seen == whole and len(whole) == len(set(whole))


def test_search_and_filters_narrow_the_list(client_of, world):
    dana = client_of("dana")

    def emails(query):
        return {row["email"] for row in dana.get(f"/api/v1/users?{query}").get_json()["data"]}

    assert emails("q=ALICE") == {world.alice.email}
    assert emails("role=auditor") == {world.carol.email}
    assert emails("q=%25") == set()
    assert emails("status=suspended") == set()


def test_a_page_of_people_costs_one_statement_whatever_its_length(app, session_of, world):
    from sqlalchemy import event

    from onyx.core.db import db
    from onyx.members import queries

    with app.app_context():
        engine = db.engine
    said = []
    event.listen(engine, "before_cursor_execute", lambda *a: said.append(a[2]))
    for size in (1, 30):
        said.clear()
        with session_of("dana", "admin") as session:
            queries.people(session, queries.Filter(), size, None)
        assert len([text for text in said if "app_user" in text]) == 1


@pytest.mark.parametrize(
    ("method", "tail", "sent"),
    [
        ("get", "", None),
        ("patch", "", {"display_name": "Mine"}),
        ("delete", "", None),
        ("post", "/suspend", None),
        ("post", "/reactivate", None),
        ("post", "/reset-password", None),
        ("put", "/roles", {"roles": ["admin"]}),
        ("get", "/permissions", None),
    ],
)
def test_foreign_random_and_malformed_ids_are_the_same_404(client_of, world, method, tail, sent):
    dana = client_of("dana")
    bodies = set()
    for id in (world.mallory.id, "01a1fee4-d19d-7e82-9af6-9fcc261aeb14", "nobody"):
        answer = getattr(dana, method)(f"/api/v1/users/{id}{tail}", json=sent)
        error = answer.get_json()["error"]
        bodies.add((answer.status_code, error["code"], error["message"]))
    assert bodies == {(404, "not_found", "There is nothing here by that name.")}


@pytest.mark.parametrize("name", ["alice", "carol", "cleo", "lee"])
def test_only_administrators_come_in(client_of, world, name):
    client = client_of(name)
    assert client.get("/api/v1/users").status_code == 403
    assert client.post(f"/api/v1/users/{world.bob.id}/suspend").status_code == 403
    assert client.get("/admin/people/").status_code == 403


def test_what_is_changed_stands_in_the_trail_before_and_after(client_of, world, owner):
    dana = client_of("dana")
    answer = dana.put(f"/api/v1/users/{world.cleo.id}/roles", json={"roles": ["user", "auditor"]})
    assert answer.get_json()["data"]["roles"] == ["auditor", "user"]
    changes, actor = owner.execute(
        f"select changes, actor_id from {world.acme.schema}.audit_event where action = 'roles.changed' order by recorded_at desc, event_id desc limit 1"
    ).fetchone()
    assert changes == [{"path": "roles", "old": ["curator"], "new": ["auditor", "user"], "class": "public"}]
    assert actor == world.dana.id


def test_permissions_are_explained(client_of, world):
    told = client_of("dana").get(f"/api/v1/users/{world.alice.id}/permissions").get_json()["data"]["permissions"]
    assert all(one.pop("meaning") for one in told), "each in words"
    assert {"permission": "files:upload", "purpose": "member", "through": ["user"]} in told


def test_a_deleted_person_is_gone_from_the_directory_too(client_of, world, owner, app):
    dana, bob = client_of("dana"), client_of("bob")
    assert dana.delete(f"/api/v1/users/{world.bob.id}").status_code == 200
    assert bob.get("/api/v1/users/me").status_code == 401
    left = owner.execute("select count(*) from onyx.directory where tenant_id = %s", [world.acme.id]).fetchone()
    people = owner.execute(f"select count(*) from {world.acme.schema}.app_user").fetchone()
    assert left == people
    assert (
        app.test_client()
        .post("/api/v1/auth/login", json={"email": world.bob.email, "password": world.bob.password})
        .status_code
        == 401
    )


def test_a_new_e_mail_signs_in_and_the_old_one_does_not(client_of, world, app):
    dana = client_of("dana")
    fresh = f"lee2@{world.acme.slug}.example"
    assert dana.patch(f"/api/v1/users/{world.lee.id}", json={"email": world.alice.email}).status_code == 409
    assert dana.patch(f"/api/v1/users/{world.lee.id}", json={"email": fresh}).status_code == 200
    codes = [
        app.test_client().post("/api/v1/auth/login", json={"email": email, "password": world.lee.password}).status_code
        for email in (fresh, world.lee.email)
    ]
    assert codes == [200, 401]
