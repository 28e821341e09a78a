"""Letting colleagues read the files of a project (C8): who does, who does not, and when it ends."""

from __future__ import annotations

import io
import re
from uuid import uuid4

import pytest


@pytest.fixture
def world(fresh_world):
    return fresh_world


def shared_project(owner_client, reader_email, files=1, text="the canary of the bridge"):
    """A project with files that somebody else may read: its id and the files' ids."""
    project = owner_client.post("/api/v1/projects", json={"name": "Bridge"}).get_json()["data"]["id"]
    ids = []
    for number in range(files):
        sent = {"file": (io.BytesIO(f"{text} {number}".encode()), f"plan {number}.txt"), "project_id": project}
        answer = owner_client.post("/api/v1/files", data=sent, content_type="multipart/form-data")
        assert answer.status_code == 201, answer.text
        ids.append(answer.get_json()["data"]["id"])
    if reader_email:
        answer = owner_client.post(f"/api/v1/projects/{project}/members", json={"email": reader_email})
        assert answer.status_code == 201, answer.text
    return project, ids


def read(client, file):
    return client.get(f"/api/v1/files/{file}/content")


def test_a_reader_sees_the_files_and_nothing_else(client_of, world, owner):
    alice, bob, lee, mallory = map(client_of, ("alice", "bob", "lee", "mallory"))
    project, (file,) = shared_project(alice, world.bob.email)
    chat = alice.post("/api/v1/sessions", json={"title": "Private", "project_id": project}).get_json()["data"]["id"]
    told = bob.get("/api/v1/projects/shared").get_json()["data"]
    assert [(one["id"], one["name"], one["owner"]["name"]) for one in told] == [(project, "Bridge", world.alice.name)]
    assert [one["id"] for one in bob.get(f"/api/v1/files?project_id={project}").get_json()["data"]] == [file]
    assert read(bob, file).text == "the canary of the bridge 0"
    assert bob.get(f"/api/v1/files/{file}").get_json()["data"]["size"] == 26
    for method, path in (
        ("DELETE", f"/api/v1/files/{file}"), ("PATCH", f"/api/v1/projects/{project}"), ("GET", f"/api/v1/sessions/{chat}"),
        ("DELETE", f"/api/v1/projects/{project}"), ("GET", f"/api/v1/projects/{project}/members"),
    ):  # fmt: skip
        assert bob.open(path, method=method, json={"name": "x"}).status_code == 404, path
    assert bob.get("/api/v1/files").get_json()["data"] == [] and bob.get("/api/v1/sessions").get_json()["data"] == []
    for stranger in (lee, mallory):
        assert (
            read(stranger, file).status_code == 404 and stranger.get("/api/v1/projects/shared").get_json()["data"] == []
        )
    opened = owner.execute(
        f"select actor_id from {world.acme.schema}.audit_event where action = 'file.opened' and targets::text like %s",
        [f"%{file}%"],
    ).fetchall()
    assert opened == [(world.bob.id,)], "what the owner reads is no news"


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_reading_ends_when_the_owner_or_the_reader_says_so(client_of, world, owner, who):
    alice, bob = client_of("alice"), client_of("bob")
    project, (file,) = shared_project(alice, world.bob.email)
    path = f"/api/v1/projects/{project}/members/{world.bob.id}"
    assert client_of("lee").delete(path).status_code == 404 and read(bob, file).status_code == 200
    assert client_of(who).delete(path).status_code == 200
    assert (
        read(bob, file).status_code == 404 and alice.get(f"/api/v1/projects/{project}/members").get_json()["data"] == []
    )
    actions = owner.execute(
        f"select action from {world.acme.schema}.audit_event where targets::text like %s order by recorded_at, event_id",
        [f"%{project}%"],
    ).fetchall()
    assert [one for (one,) in actions] == ["project.created", "project.shared", "project.unshared"]


def test_a_deleted_reader_leaves_no_line_behind(client_of, world, owner):
    alice = client_of("alice")
    project, _ = shared_project(alice, world.bob.email)
    assert client_of("dana").delete(f"/api/v1/users/{world.bob.id}").status_code == 200
    assert alice.get(f"/api/v1/projects/{project}/members").get_json()["data"] == []
    assert owner.execute(f"select count(*) from {world.acme.schema}.project_member").fetchone() == (0,)


def test_nobody_a_stranger_somebody_suspended_and_oneself_answer_alike(client_of, world):
    """F13: an address tells nothing but that somebody works here who can read."""
    alice, dana = client_of("alice"), client_of("dana")
    project, _ = shared_project(alice, None)
    dana.post(f"/api/v1/users/{world.lee.id}/suspend")
    told = set()
    for email in (f"{uuid4().hex}@acme.example", world.mallory.email, world.lee.email, world.alice.email, "nonsense"):
        answer = alice.post(f"/api/v1/projects/{project}/members", json={"email": email})
        told.add((answer.status_code, re.sub(r'"request_id":\s*"\w+"', "", answer.text)))
    assert len(told) == 1 and told.pop()[0] == 422
    assert client_of("cleo").post(f"/api/v1/projects/{project}/members", json={"email": "x@y.z"}).status_code == 404


def test_a_limited_person_reads_but_does_not_share(client_of, world):
    alice, lee = client_of("alice"), client_of("lee")
    _, (file,) = shared_project(alice, world.lee.email)
    assert read(lee, file).status_code == 200
    own = lee.post("/api/v1/projects", json={"name": "mine"}).get_json()["data"]["id"]
    assert lee.post(f"/api/v1/projects/{own}/members", json={"email": world.bob.email}).status_code == 403
