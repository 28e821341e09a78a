"""One person in two organisations goes back and forth without signing out; nobody else does (S4)."""

from uuid import UUID

import pytest

from tests.waiting import until

LOGIN, PLACES, SWITCH = "/api/v1/auth/login", "/api/v1/auth/organisations", "/api/v1/auth/switch"
ME = "/api/v1/users/me"
PASSWORD = "another rather long sentence"


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def twice(client_of, world):
    """Alice of Acme has an account at Globex, too."""
    sent = {"email": world.alice.email, "password": PASSWORD}
    answer = client_of("greta").post("/api/v1/users", json=sent)
    assert answer.status_code == 201, answer.text
    return world.alice.email


@pytest.fixture
def browser(app, world):
    """A client that keeps cookies as a browser does, and sends its form's token."""
    from onyx.edge.csrf import csrf_token

    class Browser:
        def __init__(self):
            self.http = app.test_client()
            self.session = None

        def sign_in(self, email, password, tenant):
            answer = self.http.post(LOGIN, json={"email": email, "password": password, "tenant": tenant.slug})
            assert answer.status_code == 200, answer.text
            self.session = answer.get_json()["data"]["session_id"]
            return answer

        def post(self, path, body=None):
            with app.app_context():
                token = csrf_token(UUID(self.get(ME).get_json()["data"]["session_id"]))
            return self.http.post(path, json=body, headers={"X-CSRF-Token": token})

        def get(self, path):
            return self.http.get(path)

        def where(self):
            answer = self.get(ME)
            return answer.get_json()["data"]["tenant"]["slug"] if answer.status_code == 200 else answer.status_code

        def others(self):
            return [one["slug"] for one in self.get(PLACES).get_json()["data"]["others"]]

    return Browser


@pytest.fixture
def both(browser, twice, world):
    """Signed in at Acme, then with the wish to keep that, at Globex."""
    one = browser()
    one.sign_in(twice, world.alice.password, world.acme)
    assert one.post(PLACES).status_code == 200
    one.sign_in(twice, PASSWORD, world.globex)
    return one


def test_back_and_forth_without_signing_out(both, world, owner):
    assert both.where() == world.globex.slug and both.others() == [world.acme.slug]
    for tenant, other in ((world.acme, world.globex), (world.globex, world.acme)):
        answer = both.post(SWITCH, {"tenant_id": str(tenant.id)})
        assert answer.status_code == 200, answer.text
        assert both.where() == tenant.slug and both.others() == [other.slug]
        told = f"select count(*) from {tenant.schema}.audit_event where action = 'session.switched'"
        assert owner.execute(told).fetchone() == (1,)
        assert both.get("/settings/organisations").status_code == 200
    cookies = both.post(SWITCH, {"tenant_id": str(world.acme.id)}).headers.getlist("Set-Cookie")
    assert len(cookies) == 2 and all("HttpOnly" in one and "SameSite=Lax" in one for one in cookies)


def test_without_the_wish_nothing_is_kept(browser, twice, world):
    one = browser()
    one.sign_in(twice, world.alice.password, world.acme)
    one.sign_in(twice, PASSWORD, world.globex)
    assert one.others() == []
    assert one.post(SWITCH, {"tenant_id": str(world.acme.id)}).status_code == 404


def test_somebody_elses_session_is_not_kept(browser, twice, world):
    one = browser()
    one.sign_in(world.bob.email, world.bob.password, world.acme)
    assert one.post(PLACES).status_code == 200
    one.sign_in(twice, PASSWORD, world.globex)
    assert one.where() == world.globex.slug and one.others() == []
    assert one.post(SWITCH, {"tenant_id": str(world.acme.id)}).status_code == 404


def test_a_session_that_ended_there_is_no_way_in(both, world, client_of):
    assert client_of("dana").post(f"/api/v1/users/{world.alice.id}/suspend").status_code == 200
    assert both.others() == []
    assert both.post(SWITCH, {"tenant_id": str(world.acme.id)}).status_code == 404
    assert both.where() == world.globex.slug


def test_a_made_up_cookie_is_no_way_in(both, app, world):
    token = both.http.get_cookie("onyx_beside").value
    for forged in (token[:-2] + "xx", "~~~~", token.replace(".", "", 1), "x" * 3000):
        both.http.set_cookie("onyx_beside", forged)
        assert both.others() == [], forged[:40]
        assert both.post(SWITCH, {"tenant_id": str(world.acme.id)}).status_code == 404


def test_signing_out_ends_both(both, world, owner):
    assert both.post("/api/v1/auth/logout").status_code == 200
    assert both.where() == 401 and not both.http.get_cookie("onyx_beside")
    for tenant in (world.acme, world.globex):
        live = f"""select count(*) from {tenant.schema}.login_session s join {tenant.schema}.app_user u on u.id = s.user_id
                    where u.email = %s and s.state = 'active'"""
        assert owner.execute(live, [world.alice.email]).fetchone() == (0,)


def test_programs_switch_nothing(client_of, world):
    for path, body in ((PLACES, None), (SWITCH, {"tenant_id": str(world.globex.id)})):
        assert client_of("alice").post(path, json=body).status_code == 422


def test_looking_at_what_is_kept_beside_is_no_use_of_it(both, app, world, owner, monkeypatch):
    """Else one open page in one organisation would keep a session alive in all of them."""
    from onyx.edge import last_seen
    from onyx.edge.store import key
    from onyx.identity import tokens

    monkeypatch.setattr(last_seen, "_seen", {})
    token = both.http.get_cookie("onyx_beside").value
    login = tokens.read(token).session
    redis = app.extensions["onyx"].store.client
    place = key(world.acme.id, "auth", "session", tokens.digest(token).hex())

    def look():
        assert both.get("/settings/organisations").status_code == 200 and both.others() == [world.acme.slug]
        return redis.ttl(place)

    redis.expire(place, 100)
    assert look() <= 100, "the entry in Redis lives as long as it would have"
    redis.delete(place)
    schema = world.acme.schema
    away = f"update {schema}.login_session set last_seen_at = now() - (idle_seconds - 60) * interval '1 second' where id = %s"
    owner.execute(away, [login])
    assert look() <= 60, "nor does one that is written anew live longer than the session is idle"
    assert world.acme.id not in {tenant for tenant, _, _ in last_seen._seen}
    both.post(SWITCH, {"tenant_id": str(world.acme.id)})
    until(lambda: both.where() == world.acme.slug and redis.ttl(place) > 60)
    assert world.acme.id in {tenant for tenant, _, _ in last_seen._seen}, "that was a use"
