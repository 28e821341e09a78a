"""Every door names who may pass, and how often; generated from the URL map and the event registry."""

from __future__ import annotations

import pytest

from onyx.access.policy import ONLY_IN_PLATFORM, POLICY, PURPOSE, Permission, Role, roles_for
from onyx.audit.actions import SENTENCES, Action
from onyx.core.scope import PURPOSES
from onyx.edge.limits import parsed
from onyx.edge.live import EVENTS

# Doors for everybody. Each new line here needs a reason in review.
OPEN = {
    "/login": "people who are not signed in",
    "/invitation": "people who have no account yet",
    "/api/v1/invitations/open": "whoever holds the link, which is 192 random bits",
    "/api/v1/invitations/redeem": "whoever holds the link, which is 192 random bits",
    "/api/v1/auth/login": "people who are not signed in",
    "/api/v1/auth/mfa": "people whose password was right, with the challenge that says so",
    "/api/v1/auth/passkey": "people who are not signed in, with a passkey that knows them",
    "/api/v1/auth/passkey/options": "people who are not signed in",
    "/api/v1/auth/password/reset": "people with a one-time link",
    "/api/v1/auth/password/reset-request": "people who forgot their password",
    "/reset": "people who forgot their password",
    "/api/docs": "the API's description is public",
    "/api/openapi.json": "the API's description is public",
    "/healthz": "load balancers",
    "/readyz": "load balancers",
    "/metrics": "scrapers; numbers without names",
    "/login/sso/<name>": "people who are not signed in",
    "/login/sso/<name>/callback": "people who are not signed in, with the sealed cookie of their own try",
    "/login/sso/<name>/logout": "the organisation's provider; its signed token is the proof",
    "/static/v/<version>/<path:filename>": "public files",
}


def _rules(app):
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]


def _rule_of(app, rule):
    return app.view_functions[rule.endpoint].__dict__.get("onyx_rule")


def test_every_route_names_a_permission_or_is_on_the_list_of_open_ones(app):
    bare = [rule.rule for rule in _rules(app) if _rule_of(app, rule) is None]
    assert bare == [], "put @requires(…) or @everybody(…) on these"
    opened = {rule.rule for rule in _rules(app) if _rule_of(app, rule).permission is None}
    assert opened <= OPEN.keys(), "an open door needs a line with its reason in OPEN"


def test_every_route_and_event_has_a_limit_that_can_be_read(app):
    for rule in _rules(app):
        most, seconds = parsed(_rule_of(app, rule).limit)
        assert most > 0 and seconds > 0, rule.rule
    for event in EVENTS.values():
        assert parsed(event.limit)[0] > 0, event.name


def test_every_event_names_a_permission(app):
    assert EVENTS, "no events are registered"
    assert all(isinstance(event.permission, Permission) for event in EVENTS.values())


@pytest.mark.parametrize("permission", Permission)
def test_every_permission_has_a_purpose_and_a_role(permission):
    assert PURPOSE[permission] in PURPOSES, "add it to PURPOSE in access/policy.py"
    assert any(permission in given for given in POLICY.values()), "nobody may do this: add it to POLICY or delete it"


def test_every_permission_is_asked_for_somewhere(app):
    asked = {_rule_of(app, rule).permission for rule in _rules(app)} | {event.permission for event in EVENTS.values()}
    assert set(Permission) - asked == set(), "delete what nobody asks for"


def test_every_role_is_in_the_policy_and_platform_powers_stay_in_the_platform():
    assert set(POLICY) == set(Role)
    for role in roles_for("acme"):
        assert not {PURPOSE[p] for p in POLICY[role]} & {"platform"}, f"{role} reaches across tenants"
    assert {role for role in Role if {PURPOSE[p] for p in POLICY[role]} & {"platform"}} == ONLY_IN_PLATFORM


def test_vocabularies_are_alphabetical():
    for vocabulary in (Permission, Role, Action):
        names = [member.name for member in vocabulary]
        assert names == sorted(names), vocabulary.__name__


def test_every_action_has_a_sentence():
    assert set(SENTENCES) == set(Action), "every action needs its sentence in audit/actions.py"


def test_get_never_stands_beside_a_write_in_an_api_route(app):
    """A GET that changes something could be triggered by a link: pages with forms aside, methods are separate."""
    for rule in _rules(app):
        if rule.rule.startswith("/api/"):
            assert len(rule.methods - {"HEAD", "OPTIONS"}) == 1, rule.rule


def test_ids_in_paths_end_in_id(app):
    """Only those are parsed at the edge, so that a malformed one is an unknown one."""
    allowed = {"name", "filename", "version"}
    for rule in _rules(app):
        odd = {argument for argument in rule.arguments if not argument.endswith("_id")} - allowed
        assert not odd, f"{rule.rule}: {odd}"
