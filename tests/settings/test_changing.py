"""Who decides what, what a change leaves in the trail, and that it holds everywhere at once (T10)."""

from __future__ import annotations

import json
import threading

import pytest

from onyx.access.freshness import MINUTES
from tests.factors.conftest import codes_of  # noqa: F401 - fixture
from tests.settings.conftest import SETTINGS, error_in
from tests.tenants.conftest import held  # noqa: F401 - fixture
from tests.waiting import promptly, until

QUOTAS = ("quota_users", "quota_storage_bytes", "quota_messages_daily", "quota_api_calls_daily")


@pytest.mark.shares_world
@pytest.mark.parametrize("name", [*QUOTAS, "retention_access_least_days", "retention_chat_least_days"])
def test_administrators_of_an_organisation_do_not_set_its_limits(decide, name, client_of, world, owner):
    refused = decide(**{name: 1000})
    assert refused.status_code == 403 and name in error_in(refused)["message"]
    assert client_of("dana").patch(f"/api/v1/tenants/{world.acme.id}", json={"settings": {name: 1}}).status_code == 403
    assert owner.execute("select settings from onyx.tenant where id = %s", [world.acme.id]).fetchone() == ({},)


def test_not_even_with_a_connection_of_their_own(session_of, world, owner, app):
    """The function of the control plane has a closed list of names; a member's context gets nothing at all."""
    from onyx.core.scope import Scope
    from onyx.tenancy.walls import control_plane

    wanted = json.dumps({"quota_users": 10_000, "email_domains": ["acme.example"], "require_mfa": True})
    for purpose, changed in (("member", False), ("auth", False), ("auditor", False), ("admin", True)):
        with app.app_context(), control_plane(Scope(world.acme.id, purpose, world.dana.id)) as connection:
            assert connection.exec_driver_sql("select change_settings(%s::jsonb)", (wanted,)).scalar() is changed
    kept = owner.execute("select settings from onyx.tenant where id = %s", [world.acme.id]).fetchone()[0]
    assert kept == {"email_domains": ["acme.example"]}
    assert owner.execute("select settings from onyx.tenant where id = %s", [world.globex.id]).fetchone()[0] == {}


def test_what_changed_stands_in_the_trail_before_and_after(decide, allow, world, events):
    assert decide(email_domains=["acme.example"], password_min_length=16).status_code == 200
    assert decide(email_domains=["acme.example"]).status_code == 200, "no change"
    allow(quota_users=50)
    told = events(world.acme, "settings.changed")
    assert [{one["path"]: (one["old"], one["new"]) for one in event["changes"]} for event in told] == [
        {"email_domains": ([], ["acme.example"]), "password_min_length": (12, 16)},
        {"quota_users": (None, 50)},
    ]
    assert [event["actor"]["display"] for event in told] == [world.dana.email, world.petra.email]
    own = events(world.platform, "settings.changed")
    assert any(event["targets"][0]["id"] == str(world.acme.id) for event in own)


def test_null_brings_the_default_back(decide, client_of):
    decide(password_min_length=20, email_domains=["acme.example"])
    data = decide(password_min_length=None, email_domains=None).get_json()["data"]
    assert (data["password_min_length"], data["email_domains"]) == (12, [])
    assert client_of("dana").get(SETTINGS).get_json()["data"] == data


@pytest.mark.shares_world
@pytest.mark.parametrize(
    "wrong",
    [
        {"password_min_length": 3},
        {"password_min_length": "20"},
        {"email_domains": "acme.example"},
        {"email_domains": ["not a domain"]},
        {"email_domains": ["acme.example"] * 101},
        {"ip_allow": ["10.0.0.0/33"]},
        {"ip_allow": ["here"]},
        {"model_base_url": "file:///etc/passwd", "model_name": "m"},
        {"model_base_url": "https://u:p@models.example"},
        {"model_base_url": "https://models.example"},
        {"password_banned_words": ["ab"]},
        {"require_mfa": "yes"},
        {"session_idle_seconds": 1},
        {"retention_chat_days": 0},
        {"password_min_lenght": 20},
        {"model_key_sealed": "AAAA"},
        {"email_domains": ["a\x00b.example"]},
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(decide, wrong, owner, world):
    refused = decide(**{"email_domains": ["good.example"], **wrong})
    assert refused.status_code == 422, refused.text
    assert error_in(refused)["fields"]
    assert owner.execute("select settings from onyx.tenant where id = %s", [world.acme.id]).fetchone() == ({},)


def test_the_platforms_least_time_of_keeping_holds(decide, allow):
    allow(retention_chat_least_days=30)
    refused = decide(retention_chat_days=7)
    assert refused.status_code == 422 and "30 days" in error_in(refused)["fields"]["retention_chat_days"]
    assert decide(retention_chat_days=31).status_code == 200


def test_a_change_takes_a_fresh_confirmation(client_of, owner, world):
    for name, path, body in (
        ("dana", SETTINGS, {"email_domains": []}),
        ("petra", f"/api/v1/tenants/{world.acme.id}", {"settings": {"quota_users": 5}}),
    ):
        client, schema = client_of(name), world[name].tenant.schema
        aged = f"update {schema}.login_session set created_at = now() - interval '{MINUTES + 1} minutes' where id = %s"
        owner.execute(aged, [client.signed_in["session_id"]])
        assert error_in(client.patch(path, json=body))["code"] == "step_up_required"


def test_session_times_and_second_factors_are_changed_by_the_same_door(decide, allow, client_of, world, events):
    data = decide(session_idle_seconds=600, remember_days=7).get_json()["data"]
    assert (data["session_idle_seconds"], data["remember_days"]) == (600, 7)
    assert len(events(world.acme, "session_policy.changed")) == 1
    assert decide(require_mfa=True).status_code == 409, "Dana has no second factor herself"
    shortened = client_of("alice").get("/api/v1/auth/sessions")
    assert shortened.status_code == 200
    assert allow(session_absolute_seconds=900)["settings"]["session_absolute_seconds"] == 900


def test_sessions_that_are_open_are_shortened_when_the_platform_says_so(allow, client_of, world, owner):
    client_of("alice")
    allow(session_absolute_seconds=3600)
    longest = f"select max(expires_at - created_at) from {world.acme.schema}.login_session where state = 'active'"
    assert owner.execute(longest).fetchone()[0].total_seconds() <= 3600


def test_a_change_holds_on_every_process_within_a_second(server, sign_in, world):
    serving = server(processes=2)
    petra, alice = sign_in("petra")["token"], sign_in("alice")["token"]
    with serving.http(alice) as alices, serving.http(petra) as petras:
        assert {alices.get("/api/v1/users/me").status_code for _ in range(8)} == {200}
        for number in range(2):
            wanted = {"settings": {"ip_allow": ["203.0.113.0/24"] if number == 0 else None}}
            assert petras.patch(f"/api/v1/tenants/{world.acme.id}", json=wanted).status_code == 200
            status = {403 if number == 0 else 200}
            with promptly(1.5):
                until(lambda status=status: {alices.get("/api/v1/users/me").status_code for _ in range(8)} == status)
            assert {alices.get("/api/v1/users/me").status_code for _ in range(8)} == status


def test_the_command_line_sets_them_too(app, owner_url, world, events):
    runner = app.test_cli_runner()
    said = runner.invoke(
        args=["tenants", "set", world.acme.slug, "quota_users=9", "email_domains=a.example,b.example", "--json"]
    )
    assert said.exit_code == 0, said.output
    assert json.loads(said.output)["email_domains"] == ["a.example", "b.example"]
    assert runner.invoke(args=["tenants", "set", world.acme.slug, "quota_users=none"]).exit_code == 0
    for wrong in ("quota_users=many", "nonsense=1", "quota_users", "ip_allow=nowhere"):
        refused = runner.invoke(args=["tenants", "set", world.acme.slug, wrong])
        assert refused.exit_code == 1 and "Traceback" not in refused.output and len(refused.output) > 20, wrong
    told = events(world.acme, "settings.changed")
    assert [event["actor"]["type"] for event in told] == ["operator", "operator"]


def test_nobody_waits_for_a_connection_with_one_of_the_same_pool_in_hand(decide, allow, client_of, codes_of, held):  # noqa: F811
    """Whoever has a tenant's connection may take one of the control plane's, never the other way round (decision 0007)."""
    dana = client_of("dana")
    assert decide(email_domains=["acme.example"], session_idle_seconds=600).status_code == 200
    allow(quota_users=50, session_idle_seconds=500)
    assert dana.patch("/api/v1/settings/sessions", json={"session_idle_seconds": 400}).status_code == 200
    codes_of("dana", dana)
    assert dana.patch("/api/v1/sign-in-policy", json={"require_factor": True}).status_code == 200
    assert {(main, control) for name, main, control in held if name == "main"} == {(0, 0)}
    assert {control for name, _, control in held if name == "control"} == {0}


def test_what_could_not_be_written_is_told_as_a_failure(decide, events, world, owner):
    """The event comes first; a change that does not come after all leaves a second one."""
    owner.execute(
        "create or replace function onyx.rev() returns trigger language plpgsql as $$"
        " begin if new.settings <> old.settings then raise exception 'no'; end if; return new; end $$"
    )
    owner.execute("create trigger rev before update on onyx.tenant for each row execute function onyx.rev()")
    try:
        assert decide(password_min_length=20).status_code >= 500
        assert decide(session_idle_seconds=400).status_code >= 500
    finally:
        owner.execute("drop trigger rev on onyx.tenant; drop function onyx.rev()")
    for action in ("settings.changed", "session_policy.changed"):
        assert [event["outcome"] for event in events(world.acme, action)] == ["success", "failure"]
    assert decide(session_idle_seconds=400).status_code == 200


def test_two_tabs_at_once_leave_one_whole_answer(client_of, owner, world):
    """What is sent together holds together: of two that change the same parts, one wins all of them or is told."""
    tabs = {("a.example", 600): client_of("dana"), ("b.example", 900): client_of("dana")}
    for _ in range(8):
        barrier, answers = threading.Barrier(2), []

        def save(domain, idle, tab, barrier=barrier, answers=answers):
            barrier.wait()
            wanted = {"email_domains": [domain], "session_idle_seconds": idle}
            answers.append(tab.patch(SETTINGS, json=wanted).status_code)

        threads = [threading.Thread(target=save, args=(*wanted, tab)) for wanted, tab in tabs.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        kept = owner.execute("select settings from onyx.tenant where id = %s", [world.acme.id]).fetchone()[0]
        assert (kept["email_domains"][0], kept["session_idle_seconds"]) in tabs
        assert 200 in answers and set(answers) <= {200, 409}


def test_tabs_that_change_different_things_lose_nothing(client_of, owner, world):
    wanted = (
        {"email_domains": ["a.example"]},
        {"session_idle_seconds": 600},
        {"password_min_length": 20},
        {"remember_days": 3},
    )
    tabs, barrier, answers = [client_of("dana") for _ in wanted], threading.Barrier(len(wanted)), []

    def save(part, tab):
        barrier.wait()
        answers.append(tab.patch(SETTINGS, json=part).status_code)

    threads = [threading.Thread(target=save, args=pair) for pair in zip(wanted, tabs, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = owner.execute("select settings from onyx.tenant where id = %s", [world.acme.id]).fetchone()[0]
    assert answers == [200] * 4 and kept == {name: value for part in wanted for name, value in part.items()}
