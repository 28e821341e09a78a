"""Nobody's work is lost when a colleague leaves (T5): what others would lose, and who goes on with it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from uuid import uuid4

import pytest

from onyx.access import handover
from onyx.tenancy.sealed import FILE, unseal
from tests.projects.test_sharing import read, shared_project
from tests.server import ROOT


@pytest.fixture
def world(fresh_world):
    return fresh_world


def _deletion(client, person):
    return client.get(f"/api/v1/users/{person.id}/deletion").get_json()["data"]


def _delete(client, person, receiver):
    return client.delete(f"/api/v1/users/{person.id}", json={"transfer_to": str(receiver)})


def test_what_others_would_lose_is_said_without_a_name_of_it(client_of, world):
    alice, dana = client_of("alice"), client_of("dana")
    shared_project(alice, None, text="private")
    project, _ = shared_project(alice, world.bob.email, files=2)
    told = _deletion(dana, world.alice)["others"]
    assert [(p["id"], [m["name"] for m in p["members"]], p["files"]) for p in told["projects"]] == [
        (project, [world.bob.name], 2)
    ]
    assert (told["candidates"][0]["id"], told["candidates"][0]["reads"]) == (str(world.bob.id), True)
    ids = {one["id"] for one in told["candidates"]}
    assert str(world.lee.id) in ids
    assert not ids & {str(world[name].id) for name in ("alice", "dana", "carol", "mallory")}
    assert "Bridge" not in str(told) and "plan" not in str(told)
    assert _deletion(dana, world.lee)["others"] == {"projects": [], "candidates": []}


def test_nobody_waits_while_files_are_sealed(client_of, world, owner, monkeypatch):
    """It may take minutes: a transaction that was open meanwhile would lose its context and hold up administrators."""
    alice, dana = client_of("alice"), client_of("dana")
    shared_project(alice, world.bob.email)
    seal, seen = handover.prepare, []

    def prepare(actor, person, receiver):
        seen.append(owner.execute(_LOCKS).fetchone()[0])
        assert dana.put(f"/api/v1/users/{world.lee.id}/roles", json={"roles": ["user"]}).status_code == 200
        return seal(actor, person, receiver)

    monkeypatch.setattr(handover, "prepare", prepare)
    assert _delete(dana, world.alice, world.bob.id).status_code == 200
    assert seen == [0]


_LOCKS = """
select count(*) from pg_locks l join pg_stat_activity a using (pid)
 where l.locktype = 'advisory' and a.usename = 'onyx_app'
"""


def test_what_others_read_goes_on_with_its_receiver_and_what_is_private_goes(client_of, world, owner, app):
    alice, bob, cleo, dana = map(client_of, ("alice", "bob", "cleo", "dana"))
    private, (secret,) = shared_project(alice, None, text="nobody else's")
    project, files = shared_project(alice, world.bob.email, files=3)
    alice.post(f"/api/v1/projects/{project}/members", json={"email": world.cleo.email})
    chat = alice.post("/api/v1/sessions", json={"title": "Private", "project_id": project}).get_json()["data"]["id"]
    answer = _delete(dana, world.alice, world.bob.id)
    assert answer.status_code == 200 and answer.get_json()["data"]["transferred_to"] == str(world.bob.id)

    assert [one["id"] for one in bob.get("/api/v1/projects").get_json()["data"]] == [project]
    for number, file in enumerate(files):
        assert read(bob, file).text == read(cleo, file).text == f"the canary of the bridge {number}"
    assert [one["id"] for one in bob.get(f"/api/v1/projects/{project}/members").get_json()["data"]] == [
        str(world.cleo.id)
    ]
    found = bob.get("/api/v1/search?q=canary").get_json()["data"]
    assert project and any(file in str(found) for file in files), "its passages went along"
    for gone in (f"files/{secret}", f"projects/{private}", f"sessions/{chat}"):
        assert bob.get(f"/api/v1/{gone}").status_code == 404
    s = world.acme.schema
    left = [owner.execute(f"select count(*) from {s}.{t} where user_id = %s", [world.alice.id]).fetchone()[0]
            for t in ("project", "chat_session", "user_file", "file_passage", "project_member", "file_handover")]  # fmt: skip
    assert left == [0] * 6
    row = owner.execute(f"select id, sealed from {s}.user_file where id = %s", [files[0]]).fetchone()
    with app.app_context():
        opened = unseal(FILE, bytes(row[1]), row[0].bytes, tenant=world.acme.id, user=world.bob.id)
    assert opened == b"the canary of the bridge 0", "sealed with the receiver's key"
    told = owner.execute(
        f"select actor_id, targets, changes from {s}.audit_event where action = 'project.transferred'"
    ).fetchall()
    assert len(told) == 1 and told[0][0] == world.dana.id and told[0][1][1]["id"] == str(world.bob.id)
    assert told[0][2][0]["old"] == str(world.alice.id) and "Bridge" not in str(told)
    assert (
        owner.execute(f"select count(*) from {s}.audit_event where actor_id = %s", [world.alice.id]).fetchone()[0] > 5
    )


def test_without_a_receiver_it_goes_as_before(client_of, world):
    alice, bob, dana = map(client_of, ("alice", "bob", "dana"))
    _, (file,) = shared_project(alice, world.bob.email)
    assert dana.delete(f"/api/v1/users/{world.alice.id}").status_code == 200
    assert read(bob, file).status_code == 404 and bob.get("/api/v1/projects/shared").get_json()["data"] == []


def test_whoever_cannot_receive_is_refused_and_nothing_happens(client_of, world):
    """F13 for receivers: a stranger's id, a deleted one's, a random one and nonsense are one answer."""
    alice, bob, dana = map(client_of, ("alice", "bob", "dana"))
    _, (file,) = shared_project(alice, world.bob.email)
    dana.delete(f"/api/v1/users/{world.cleo.id}")
    dana.post(f"/api/v1/users/{world.lee.id}/suspend")
    told = set()
    for id in (world.mallory.id, world.cleo.id, uuid4(), "nonsense"):
        answer = _delete(dana, world.alice, id)
        told.add((answer.status_code, re.sub(r'"request_id":\s*"\w+"', "", answer.text)))
    assert len(told) == 1 and told.pop()[0] == 404
    for id in (world.alice.id, world.lee.id, world.carol.id):
        assert _delete(dana, world.alice, id).status_code == 409
    assert dana.delete(f"/api/v1/users/{world.alice.id}", json={"transfer_to": 5}).status_code == 422
    assert read(alice, file).status_code == read(bob, file).status_code == 200


def test_an_administrator_does_not_come_by_what_they_could_not_read(client_of, world):
    alice, bob, dana = map(client_of, ("alice", "bob", "dana"))
    project, (file,) = shared_project(alice, world.bob.email)
    refused = _delete(dana, world.alice, world.dana.id)
    assert refused.status_code == 409 and "cannot read" in refused.get_json()["error"]["message"]
    assert read(bob, file).status_code == 200 and read(dana, file).status_code == 404
    alice.post(f"/api/v1/projects/{project}/members", json={"email": world.dana.email})
    assert _deletion(dana, world.alice)["others"]["candidates"][-1]["reads"] is False
    assert _delete(dana, world.alice, world.dana.id).status_code == 200
    assert read(dana, file).status_code == read(bob, file).status_code == 200


@pytest.mark.parametrize("step", ["between", "inside"])
def test_a_kill_leaves_everything_readable_and_the_next_try_goes_through(
    client_of, world, owner, app, serving, owner_url, step
):
    """Kill -9 when all files are sealed anew, and in the transaction that hands over."""
    alice, bob, dana = map(client_of, ("alice", "bob", "dana"))
    _, files = shared_project(alice, world.bob.email, files=12)
    arguments = [
        sys.executable,
        "-m",
        "tests.members.killed",
        step,
        *map(str, (world.acme.id, world.alice.id, world.bob.id)),
    ]
    done = subprocess.run(arguments, cwd=ROOT, env=serving, capture_output=True, text=True, timeout=600)
    assert done.returncode == -signal.SIGKILL, done.stderr
    s = world.acme.schema
    assert owner.execute(f"select count(*) from {s}.file_handover").fetchone() == (12,)
    for person in (alice, bob):
        assert [read(person, file).status_code for file in files] == [200] * 12
    assert owner.execute(f"select count(*) from {s}.audit_event where action = 'project.transferred'").fetchone() == (
        0,
    )
    assert _delete(dana, world.alice, world.bob.id).status_code == 200
    assert [read(bob, file).text for file in files] == [f"the canary of the bridge {n}" for n in range(12)]


def test_a_receiver_who_goes_between_looking_and_confirming_stops_it(client_of, world, app, session_of, actor_of):
    """The transaction itself looks again, after the files were sealed."""
    from onyx.core.errors import Conflict
    from onyx.identity.models import User

    alice, _bob, dana = map(client_of, ("alice", "bob", "dana"))
    _, (file,) = shared_project(alice, world.lee.email)
    actor = actor_of("dana")
    with app.app_context():
        handover.prepare(actor, world.alice.id, world.bob.id)
    dana.post(f"/api/v1/users/{world.bob.id}/suspend")
    with pytest.raises(Conflict, match="not here any more"), session_of("dana", "admin") as session:
        handover.transfer(session, actor, session.get(User, world.alice.id), world.bob.id)
    dana.delete(f"/api/v1/users/{world.bob.id}")
    with pytest.raises(Conflict, match="not here any more"), session_of("dana", "admin") as session:
        handover.transfer(session, actor, session.get(User, world.alice.id), world.bob.id)
    assert read(alice, file).status_code == read(client_of("lee"), file).status_code == 200


def test_a_file_that_came_after_the_sealing_stops_it(client_of, world, app, session_of, actor_of):
    """Nothing is ever handed over that the receiver could not open."""
    from onyx.core.errors import Conflict
    from onyx.identity.models import User

    alice = client_of("alice")
    shared_project(alice, world.bob.email)
    with pytest.raises(Conflict, match="try again"), session_of("dana", "admin") as session:
        handover.transfer(session, actor_of("dana"), session.get(User, world.alice.id), world.bob.id)
    with app.app_context():
        assert handover.prepare(actor_of("dana"), world.alice.id, world.bob.id) == 1
        assert handover.prepare(actor_of("dana"), world.alice.id, world.bob.id) == 0, (
            "what is sealed is not sealed again"
        )


def test_the_shell_hands_over_too(client_of, world, flask):
    alice, bob = client_of("alice"), client_of("bob")
    _, (file,) = shared_project(alice, world.bob.email)
    asked = ("users", "delete", world.alice.email, "--tenant", world.acme.slug, "--json")
    assert flask(*asked, "--transfer-to", world.bob.email).exit_code == 1, "it asks first"
    assert flask(*asked, "--yes", "--transfer-to", world.mallory.email).exit_code == 1
    told = json.loads(flask(*asked, "--yes", "--transfer-to", world.bob.email).output)
    assert (told["projects_handed_over"], told["projects_lost_to_others"]) == (1, 0)
    assert read(bob, file).status_code == 200
