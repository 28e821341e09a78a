"""`flask …` as an operator types it."""

import json
import os

import pytest

from tests.cast import PASSWORD


@pytest.fixture
def flask(app, owner_url):
    """Run a command in the test's application, which knows the owner's address as a shell does."""
    state = app.extensions["onyx"]
    served = state.settings
    state.settings = served.model_copy(update={"database_owner_url": owner_url})
    runner = app.test_cli_runner()
    yield lambda *words: runner.invoke(args=[str(word) for word in words])
    state.settings = served


def test_a_tenant_from_nothing_to_a_signed_in_person(flask, app):
    slug = f"cli-{os.urandom(4).hex()}"
    made = json.loads(
        flask("tenants", "create", slug, "--name", "Cli", "--admin-email", f"a@{slug}.example", "--json").output
    )
    secret = {"token": made["link"].partition("#")[2], "password": PASSWORD}
    assert app.test_client().post("/api/v1/invitations/redeem", json=secret).status_code == 201
    made["password"] = PASSWORD
    person = json.loads(flask("users", "create", "--tenant", slug, "--email", f"b@{slug}.example", "--json").output)
    for email, password in ((made["admin_email"], made["password"]), (person["email"], person["password"])):
        assert (
            app.test_client().post("/api/v1/auth/login", json={"email": email, "password": password}).status_code == 200
        )
    assert slug in flask("tenants", "list").output
    assert {row["email"] for row in json.loads(flask("users", "list", "--tenant", slug, "--json").output)} == {
        made["admin_email"],
        person["email"],
    }
    assert len(json.loads(flask("sessions", "list", "--tenant", slug, "--json").output)) == 2
    again = flask("tenants", "create", slug, "--name", "Cli", "--admin-email", f"a@{slug}.example")
    assert again.exit_code == 1 and "already" in again.output


def test_operators_end_sessions_and_stand_in_the_trail_as_operators(flask, client_of, world, owner):
    alice, bob = client_of("alice"), client_of("bob")
    assert (
        json.loads(
            flask("sessions", "revoke", "--tenant", world.acme.slug, "--user", world.alice.email, "--json").output
        )["ended"]
        >= 1
    )
    assert [alice.get("/api/v1/users/me").status_code, bob.get("/api/v1/users/me").status_code] == [401, 200]
    assert flask("sessions", "revoke", "--tenant", world.acme.slug, "--all").exit_code == 0
    assert bob.get("/api/v1/users/me").status_code == 401
    kinds = owner.execute(
        f"select distinct actor->>'type' from {world.acme.schema}.audit_event where action = 'session.revoked'"
    ).fetchall()
    assert kinds == [("operator",)]


def test_suspending_and_passwords(flask, world, app):
    slug = world.globex.slug
    made = json.loads(flask("users", "reset-password", world.mallory.email, "--tenant", slug, "--json").output)
    sent = {"email": world.mallory.email, "password": made["password"]}
    assert app.test_client().post("/api/v1/auth/login", json=sent).status_code == 200
    assert flask("users", "suspend", world.mallory.email, "--tenant", slug).exit_code == 0
    assert app.test_client().post("/api/v1/auth/login", json=sent).status_code == 401
    last = flask("users", "suspend", world.greta.email, "--tenant", slug)
    assert last.exit_code == 1 and "last administrator" in last.output
    assert json.loads(flask("tenants", "suspend", slug, "--json").output)["status"] == "suspended"
    assert json.loads(flask("tenants", "resume", slug, "--json").output)["status"] == "active"


def test_unknown_names_are_told_in_a_sentence(flask, world):
    for words in (("tenants", "show", "nowhere"), ("users", "suspend", "no@body.example", "--tenant", world.acme.slug)):
        said = flask(*words)
        assert said.exit_code == 1 and "Traceback" not in said.output


def test_the_doctor_finds_the_installation_well(flask):
    said = flask("doctor", "--json")
    assert said.exit_code == 0, said.output
    assert {"PostgreSQL", "Redis", "isolation", "migrations"} <= {line["what"] for line in json.loads(said.output)}


def test_urls_are_lines_for_a_shell_without_the_superusers(flask):
    said = flask("urls").output
    assert "export DATABASE_URL=" in said and "export REDIS_URL=" in said and "SUPERUSER" not in said


def test_an_organisation_is_archived_brought_back_and_deleted_at_the_shell(flask, owner, tmp_path):
    slug = f"cli-{os.urandom(4).hex()}"
    words = ("tenants", "create", slug, "--name", "Cli", "--admin-email", f"a@{slug}.example", "--password", "--json")
    assert json.loads(flask(*words).output)["password"]
    assert json.loads(flask("tenants", "archive", slug, "--json").output)["status"] == "archived"
    assert json.loads(flask("tenants", "resume", slug, "--json").output)["status"] == "active"
    assert flask("tenants", "delete", slug, "--confirm", "something").exit_code == 1
    assert json.loads(flask("tenants", "show", slug, "--json").output)["status"] == "active"
    told = flask("tenants", "delete", slug, "--confirm", slug, "--json")
    assert told.exit_code == 0 and '"state": "done"' in told.output
    assert flask("tenants", "show", slug).exit_code == 1
    assert owner.execute("select 1 from onyx.tenant where slug = %s", [slug]).fetchone() is None

    file = tmp_path / "certificate.json"
    assert flask("tenants", "certificate", slug, "--out", file).exit_code == 0
    assert "genuine" in flask("tenants", "certificate", "--check", file).output
    file.write_text(file.read_text().replace('"name": "Cli"', '"name": "Clo"'))
    forged = flask("tenants", "certificate", "--check", file)
    assert forged.exit_code == 1 and "NOT GENUINE" in forged.output


def test_a_deletion_that_has_to_wait_is_told_and_taken_back_at_the_shell(flask, app, owner):
    state = app.extensions["onyx"]
    state.settings = state.settings.model_copy(update={"tenant_deletion_wait_hours": 48})
    slug = f"cli-{os.urandom(4).hex()}"
    flask("tenants", "create", slug, "--name", "Cli", "--admin-email", f"a@{slug}.example")
    told = flask("tenants", "delete", slug, "--confirm", slug)
    assert told.exit_code == 0 and "Run this again" in told.output
    assert json.loads(flask("tenants", "show", slug, "--json").output)["deletion"] == "requested"
    assert "cancelled" in flask("tenants", "delete", slug, "--cancel").output
    assert json.loads(flask("tenants", "resume", slug, "--json").output)["status"] == "active"


def test_the_platform_is_not_deleted_at_the_shell_either(flask):
    for words in (("suspend",), ("archive",), ("delete", "--confirm", "platform")):
        refused = flask("tenants", words[0], "platform", *words[1:])
        assert refused.exit_code == 1 and "platform itself" in refused.output


@pytest.mark.parametrize("slug", ["admin", "Acme", "x; drop schema onyx", "a" * 41, "p1atform"])
def test_short_names_are_judged_at_the_shell_as_on_the_web(flask, slug):
    refused = flask("tenants", "create", slug, "--name", "No", "--admin-email", "a@no.example")
    assert refused.exit_code == 1 and "slug" in refused.output
