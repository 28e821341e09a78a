"""Projects: one's own folders; deleting one keeps what was in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

Client = Callable[..., Any]


def test_a_project_is_made_renamed_and_deleted_and_its_chats_stay(client_of: Client, owner: Any, world: Any) -> None:
    alice = client_of("alice")
    made = alice.post("/api/v1/projects", json={"name": " Granite  bridge "})
    assert made.status_code == 201
    project = made.get_json()["data"]
    assert project["name"] == "Granite bridge"
    chat = alice.post("/api/v1/sessions", json={"title": "x", "project_id": project["id"]}).get_json()["data"]
    renamed = alice.patch(f"/api/v1/projects/{project['id']}", json={"name": "Bridge"}).get_json()["data"]
    assert renamed["name"] == "Bridge" and alice.get("/api/v1/projects").get_json()["data"] == [renamed]
    assert alice.delete(f"/api/v1/projects/{project['id']}").status_code == 200
    assert alice.get(f"/api/v1/sessions/{chat['id']}").get_json()["data"]["project_id"] is None
    actions = owner.execute(
        f"select action from {world.acme.schema}.audit_event where targets::text like %s order by recorded_at, event_id",
        [f"%{project['id']}%"],
    ).fetchall()
    assert [a for (a,) in actions] == ["project.created", "project.renamed", "project.deleted"]


def test_foreign_and_random_projects_answer_alike(client_of: Client) -> None:
    id = client_of("alice").post("/api/v1/projects", json={"name": "mine"}).get_json()["data"]["id"]
    for method, body in (("GET", None), ("PATCH", {"name": "theirs"}), ("DELETE", None)):
        told = set()
        for name, one in (("bob", id), ("mallory", id), ("alice", str(uuid4())), ("alice", "nonsense")):
            answer = client_of(name).open(f"/api/v1/projects/{one}", method=method, json=body)
            told.add((answer.status_code, re.sub(r'"request_id": "\w+"', "", answer.text)))
        assert len(told) == 1 and told.pop()[0] == 404
    chat = client_of("bob").post("/api/v1/sessions", json={"title": "x", "project_id": id})
    assert chat.status_code == 404


def test_names_are_checked(client_of: Client) -> None:
    for name in ("", "  ", "x" * 121, None, 5, "a\0"):
        assert client_of("alice").post("/api/v1/projects", json={"name": name}).status_code == 422
