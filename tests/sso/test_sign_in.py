"""Single sign-on against a real provider: who comes in, as whom, and who does not (I7; F5, F16, F21, F26)."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from tests.waiting import PATIENT, promptly


def _nora(n="nora", **more):
    email = f"{n}@acme.example"
    return {"sub": f"sub-{n}", "email": email, "email_verified": True, "name": f"{n.title()} North", **more}


def _last_refusal(owner, world):
    return owner.execute(
        f"select reason from {world.acme.schema}.audit_event where action = 'sign_in.failed' order by recorded_at desc, event_id desc limit 1"
    ).fetchone()[0]


def test_somebody_new_is_made_and_known_by_subject_from_then_on(set_up, idp, visitor, world, owner):
    assert set_up().status_code == 200
    idp.person = _nora()
    first = visitor()
    assert first.enter(world.acme.slug) == "/"
    me = first.me()
    assert (me["email"], me["display_name"], me["roles"]) == ("nora@acme.example", "Nora North", ["user"])
    asked = idp.asked[0]
    assert asked["code_challenge_method"] == "S256" and len(asked["nonce"]) > 40 and len(asked["state"]) > 40
    idp.person = _nora(email="nora.new@elsewhere.example", email_verified=False)
    second = visitor()
    assert second.enter(world.acme.slug) == "/" and second.me()["id"] == me["id"]
    told = [
        row[0]
        for row in owner.execute(
            f"select action from {world.acme.schema}.audit_event where action in ('user.created', 'identity.linked', 'session.created') and targets::text like '%%' and actor ->> 'display' <> 'cast' order by recorded_at, action"
        )
    ]
    assert {"user.created", "identity.linked", "session.created"} <= set(told)


@pytest.mark.parametrize(
    "wrong",
    [{"email_verified": False}, {"email_verified": None}, {"email_verified": "true"}, {"email": "n@globex.example"}, {"email": None},
     {"email": "n@acme.example@globex.example"}, {"email": "n@sub.acme.example"}],
)  # fmt: skip
def test_only_verified_addresses_of_its_own_domains_come_in(set_up, idp, visitor, world, wrong):
    set_up()
    idp.person = {name: value for name, value in {**_nora("vera"), **wrong}.items() if value is not None}
    one = visitor()
    assert one.enter(world.acme.slug) == "sso_not_allowed" and one.me() is None


def _unsigned(token):
    _, body, _ = token.split(".")
    return base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=") + f".{body}."


def _claims(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


@pytest.mark.parametrize(
    "how", ["nonce", "audience", "issuer", "expired", "none", "shared secret", "another key", "azp", "access token"]
)
def test_f21_a_forged_id_token_opens_nothing(set_up, idp, visitor, world, owner, how):
    set_up()
    idp.person = _nora("fred")
    stranger = RSAKey.generate_key(2048, {"kid": "first"})
    spoil = {
        "nonce": {"nonce": "another"},
        "audience": {"aud": ["another client"]},
        "issuer": {"iss": "https://elsewhere.example"},
        "expired": {"exp": int(time.time()) - 3600},
        "azp": {"azp": "another client"},
        "access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    }
    idp.claims = spoil.get(how, {})
    idp.sign = {
        "none": _unsigned,
        "shared secret": lambda t: jwt.encode(
            {"alg": "HS256"}, _claims(t), OctKey.import_key(idp.client.client_secret + "x" * 20)
        ),
        "another key": lambda t: jwt.encode({"alg": "RS256", "kid": "first"}, _claims(t), stranger),
    }.get(how)
    one = visitor()
    assert one.enter(world.acme.slug) == "sso_failed" and one.me() is None
    assert "does not hold" in _last_refusal(owner, world)
    idp.claims, idp.sign = {}, None
    assert one.enter(world.acme.slug) == "/"


def test_keys_may_change(set_up, idp, visitor, world):
    set_up()
    idp.person = _nora("kim")
    assert visitor().enter(world.acme.slug) == "/"
    time.sleep(2.1)  # keys are fetched anew every two seconds at most
    idp.key = RSAKey.generate_key(2048, {"kid": "second", "use": "sig", "alg": "RS256"})
    assert visitor().enter(world.acme.slug) == "/"


def _stopped_before_coming_back(one, slug):
    away = one.go(f"/login/sso/{slug}", allow_redirects=False).headers["Location"]
    return one.go(away, allow_redirects=False).headers["Location"]


def test_the_answer_counts_in_the_browser_that_asked_and_once(set_up, idp, visitor, world):
    """Else an attacker could have somebody sign in to the attacker's account, or use a code that was seen."""
    set_up()
    idp.person = _nora("mel")
    attacker, victim = visitor(), visitor()
    answer = _stopped_before_coming_back(attacker, world.acme.slug)
    assert parse_qs(urlsplit(victim.go(answer).url).query) == {"reason": ["sso_failed"]}
    victim.go(f"/login/sso/{world.acme.slug}", allow_redirects=False)  # with a ticket of its own
    assert parse_qs(urlsplit(victim.go(answer).url).query) == {"reason": ["sso_failed"]}
    assert victim.me() is None
    assert attacker.go(answer).ok and attacker.me() is not None
    again = visitor()
    again.go(f"/login/sso/{world.acme.slug}", allow_redirects=False)
    assert parse_qs(urlsplit(again.go(answer).url).query) == {"reason": ["sso_failed"]}


def test_a_code_needs_the_verifier_of_its_own_try(set_up, idp, visitor, world):
    """PKCE: the code of one try with the ticket of another is refused by the provider."""
    set_up()
    idp.person = _nora("pat")
    one, other = visitor(), visitor()
    answer = _stopped_before_coming_back(one, world.acme.slug)
    own = parse_qs(urlsplit(_stopped_before_coming_back(other, world.acme.slug)).query)
    code = parse_qs(urlsplit(answer).query)["code"][0]
    mixed = f"/login/sso/{world.acme.slug}/callback?code={code}&state={own['state'][0]}"
    assert "reason=" in other.go(mixed).url and other.me() is None


def test_f5_a_ticket_for_acme_opens_nothing_at_globex(set_up, idp, visitor, world):
    set_up()
    idp.person = _nora("max")
    one = visitor()
    answer = _stopped_before_coming_back(one, world.acme.slug)
    crossed = answer.replace(world.acme.slug, world.globex.slug)
    assert "reason=sso_unavailable" in one.go(crossed).url and one.me() is None


def test_somebody_who_may_little_is_connected_by_e_mail_and_an_admin_is_not(
    set_up, idp, visitor, world, owner, sign_in
):
    domain = f"{world.acme.slug}.example"
    set_up(domains=[domain])
    idp.person = {"sub": "alice-there", "email": world.alice.email.upper(), "email_verified": True}
    one = visitor()
    assert one.enter(world.acme.slug) == "/" and one.me()["id"] == str(world.alice.id)
    idp.person = {"sub": "somebody-else", "email": world.alice.email, "email_verified": True}
    assert visitor().enter(world.acme.slug) == "sso_link_needed"
    for name in ("dana", "carol"):
        idp.person = {"sub": f"{name}-there", "email": world[name].email, "email_verified": True}
        other = visitor()
        assert other.enter(world.acme.slug) == "sso_link_needed" and other.me() is None
    signed_in = visitor()
    signed_in.cookies.set("onyx_session", sign_in("dana")["token"])
    idp.person = {"sub": "dana-there", "email": "dana.private@mail.example"}
    page = signed_in.go("/settings/sso").text
    csrf = page.partition('name="csrf-token" content="')[2].partition('"')[0]
    begun = signed_in.post(
        f"{signed_in.place.url}/api/v1/auth/sso/link", headers={"X-CSRF-Token": csrf}, timeout=PATIENT
    )
    assert signed_in.go(begun.json()["data"]["location"]).url.endswith("/settings/sso")
    assert "Connected with" in signed_in.go("/settings/sso").text
    fresh = visitor()
    assert fresh.enter(world.acme.slug) == "/admin/" and fresh.me()["id"] == str(world.dana.id)


def test_connecting_needs_the_very_session_that_asked(set_up, idp, visitor, world, sign_in):
    """A link that somebody else began connects nothing to me."""
    set_up(domains=[f"{world.acme.slug}.example"])
    idp.person = {"sub": "mallorys-account", "email": "m@x.example"}
    mine, begun_by = visitor(), visitor()
    begun_by.cookies.set("onyx_session", sign_in("bob")["token"])
    page = begun_by.go("/settings/sso").text
    csrf = page.partition('name="csrf-token" content="')[2].partition('"')[0]
    there = begun_by.post(
        f"{mine.place.url}/api/v1/auth/sso/link", headers={"X-CSRF-Token": csrf}, timeout=PATIENT
    ).json()["data"]["location"]
    answer = begun_by.go(there, allow_redirects=False).headers["Location"]
    begun_by.cookies.set("onyx_session", sign_in("lee")["token"])
    assert "reason=sso_failed" in begun_by.go(answer).url
    mine.cookies.set("onyx_session", sign_in("lee")["token"])
    assert "Connected with" not in mine.go("/settings/sso").text


def test_f16_the_suspended_do_not_come_in(set_up, idp, visitor, world, sign_in, place):
    set_up()
    idp.person = _nora("sue")
    one = visitor()
    assert one.enter(world.acme.slug) == "/"
    with place.http(sign_in("dana")["token"]) as http:
        assert http.post(f"/api/v1/users/{one.me()['id']}/suspend").ok
    assert one.me() is None and visitor().enter(world.acme.slug) == "suspended"


def test_without_creating_people_only_the_known_come_in(set_up, idp, visitor, world):
    set_up(create_people=False)
    idp.person = _nora("una")
    assert visitor().enter(world.acme.slug) == "sso_unknown"
    set_up(enabled=False)
    assert visitor().enter(world.acme.slug) == "sso_unavailable"


def test_no_provider_and_no_organisation_look_alike(visitor, world):
    one = visitor()
    answers = [
        one.go(f"/login/sso/{slug}", allow_redirects=False)
        for slug in (world.globex.slug, "nobody-here", "..%2f", "x" * 300)
    ]
    assert {(a.status_code, a.headers.get("Location"), a.text) for a in answers[:2]} == {
        (302, "/login?reason=sso_unavailable", answers[0].text)
    }
    assert {a.status_code for a in answers} <= {302, 404}


def test_after_signing_in_nobody_is_led_elsewhere(set_up, idp, visitor, world):
    set_up()
    idp.person = _nora("liz")
    for sent, lands in (
        ("/files", "/files"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/login", "/"),
    ):
        answer = visitor().go(f"/login/sso/{world.acme.slug}?next={sent}")
        assert (
            urlsplit(answer.url).netloc == urlsplit(visitor().place.url).netloc and urlsplit(answer.url).path == lands
        ), sent


def _signed_in(idp, visitor, world, name, sid):
    idp.person = {**_nora(name), "sid": sid}
    one = visitor()
    assert one.enter(world.acme.slug) == "/"
    return one


def _left(place, world, token, slug=None):
    with place.http() as http:
        return http.post(f"/login/sso/{slug or world.acme.slug}/logout", data={"logout_token": token})


def test_back_channel_logout_ends_session_and_sockets_on_every_process(set_up, idp, visitor, world, place, socket_of):
    set_up()
    here = _signed_in(idp, visitor, world, "lou", "there-1")
    elsewhere = _signed_in(idp, visitor, world, "lou", "there-2")
    token = here.cookies["onyx_session"]
    sockets = [socket_of("alice", place, token=token) for _ in range(4)]
    with promptly(1.5):
        answer = _left(place, world, idp.logout_token(sid="there-1", sub="sub-lou"))
        assert answer.status_code == 200 and "no-store" in answer.headers["Cache-Control"]
        for socket in sockets:
            assert socket.wait_for("session:revoked") == {"reason": "sso_logout"}
    assert here.me() is None and elsewhere.me() is not None
    assert _left(place, world, idp.logout_token(sub="sub-lou")).status_code == 200
    assert elsewhere.me() is None


def test_a_logout_token_that_does_not_hold_ends_nothing(set_up, idp, visitor, world, place):
    set_up()
    here = _signed_in(idp, visitor, world, "tom", "there-3")
    stranger = RSAKey.generate_key(2048, {"kid": "first"})
    good = idp.logout_token(sid="there-3")
    wrong = [
        idp.logout_token(sid="there-3", nonce="x"), idp.logout_token(sid="there-3", aud="another"),
        idp.logout_token(sid="there-3", iss="https://elsewhere.example"), idp.logout_token(sid="there-3", events=None),
        idp.logout_token(sid="there-3", events={"x": {}}), idp.logout_token(), idp.logout_token(sid="there-3", jti=None),
        idp.logout_token(sid="there-3", iat=int(time.time()) - 9000, exp=int(time.time()) + 60),
        jwt.encode({"alg": "RS256", "kid": "first"}, _claims(good), stranger), _unsigned(good), "", "x.y.z",
    ]  # fmt: skip
    assert [_left(place, world, token).status_code for token in wrong] == [400] * len(wrong)
    assert _left(place, world, good, world.globex.slug).status_code == 400
    assert here.me() is not None
    assert _left(place, world, good).status_code == 200 and here.me() is None
    assert _left(place, world, good).status_code == 400, "a token is good once"


def test_the_organisations_session_policy_holds(set_up, idp, visitor, world, owner, client_of):
    set_up()
    assert client_of("dana").patch("/api/v1/settings/sessions", json={"session_idle_seconds": 600}).status_code == 200
    idp.person = _nora("tess")
    one = visitor()
    assert one.enter(world.acme.slug) == "/"
    query = f"select idle_seconds from {world.acme.schema}.login_session where user_id = %s"
    assert owner.execute(query, [one.me()["id"]]).fetchall() == [(600,)]
