"""Flask-Admin's pages go through the same door as everything: permission, CSRF token, scope, one commit."""

import re


def _form(page):
    return dict(re.findall(r'name="(email|display_name|csrf_token)"[^>]*value="([^"]*)"', page))


def test_every_endpoint_of_the_console_is_behind_the_door(app):
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/admin")]
    assert {rule.rule for rule in rules} == {
        "/admin/",
        "/admin/keys",
        "/admin/people/",
        "/admin/people/new/",
        "/admin/people/edit/",
        "/admin/invitations/",
        "/admin/roles/",
        "/admin/session-policy/",
        "/admin/sessions/",
        "/admin/settings",
        "/admin/sso",
    }
    for rule in rules:
        assert app.view_functions[rule.endpoint].onyx_rule.permission is not None


def test_the_console_refuses_without_permission(client_of, world):
    for path in (
        "/admin/",
        "/admin/people/",
        "/admin/people/new/",
        f"/admin/people/edit/?id={world.bob.id}",
        "/admin/sessions/",
    ):
        assert client_of("alice", by="cookie").get(path).status_code == 403
        assert client_of(None).get(path).status_code == 401
        assert client_of("dana", by="cookie").get(path).status_code == 200


def test_the_console_refuses_without_csrf_token(client_of, world):
    dana = client_of("dana", by="cookie", csrf=False)
    sent = {"email": f"forged@{world.acme.slug}.example", "roles": "admin"}
    assert dana.post("/admin/people/new/", data=sent).status_code == 403
    assert dana.post("/admin/people/new/", data={**sent, "csrf_token": "0" * 64}).status_code == 403
    assert dana.get(f"/api/v1/users?q=forged@{world.acme.slug}").get_json()["data"] == []


def test_a_person_is_added_by_the_form_whose_own_token_is_enough(client_of, world, app):
    dana = client_of("dana", by="cookie", csrf=False)
    token = _form(dana.get("/admin/people/new/").text)["csrf_token"]
    email = f"paula@{world.acme.slug}.example"
    sent = {"email": email, "display_name": "Paula", "roles": ["user", "curator"], "csrf_token": token}
    page = dana.post("/admin/people/new/", data=sent)
    assert page.status_code == 200
    password = re.search(r'data-testid="one-time-password">([^<]+)<', page.text).group(1)
    assert app.test_client().post("/api/v1/auth/login", json={"email": email, "password": password}).status_code == 200


def test_a_refused_form_says_why_keeps_what_was_typed_and_changes_nothing(client_of, world, owner):
    dana = client_of("dana", by="cookie")
    path = f"/admin/people/edit/?id={world.lee.id}"
    before = _row(owner, world)
    page = dana.post(path, data={"email": world.alice.email, "display_name": "Somebody Else", "roles": ["user"]})
    assert "Somebody with this e-mail is here already." in page.text and 'value="Somebody Else"' in page.text
    assert _row(owner, world) == before


def test_foreign_and_random_people_are_404_alike(client_of, world):
    dana = client_of("dana", by="cookie")
    answers = {
        (
            dana.get(f"/admin/people/edit/?id={id}").status_code,
            dana.post(f"/admin/people/edit/?id={id}", data={}).status_code,
        )
        for id in (world.mallory.id, "01a1fee4-d19d-7e82-9af6-9fcc261aeb14", "x", "")
    }
    assert answers == {(404, 404)}


def test_the_list_shows_search_filters_and_only_the_own_tenant(client_of, world):
    dana = client_of("dana", by="cookie")
    page = dana.get("/admin/people/").text
    assert world.alice.email in page and world.mallory.email not in page
    found = dana.get("/admin/people/?search=carol&flt0_0=auditor&flt1_1=active").text
    assert world.carol.email in found and world.alice.email not in found


def test_no_inline_code_is_on_any_page(client_of, world):
    dana = client_of("dana", by="cookie")
    for path in (
        "/admin/",
        "/admin/people/",
        "/admin/people/new/",
        f"/admin/people/edit/?id={world.alice.id}",
        "/admin/sessions/",
    ):
        page = dana.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|javascript:", page), path


def test_flask_admins_own_files_are_not_served(client_of):
    assert client_of("dana").get("/admin/static/bootstrap/bootstrap4/css/bootstrap.min.css").status_code == 404


def _row(owner, world):
    schema = world.acme.schema
    return owner.execute(
        f"select u.email, p.display_name, array(select role from {schema}.user_role r where r.user_id = u.id)"
        f" from {schema}.app_user u join {schema}.profile p on p.user_id = u.id where u.id = %s",
        [world.lee.id],
    ).fetchone()
