"""Files: checked, kept, read by their owner alone, searched, deleted."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from onyx.files.reading import clean_name

Client = Callable[..., Any]


def send(client: Any, name: str, raw: bytes, **more: Any) -> Any:
    return client.post("/api/v1/files", data={"file": (io.BytesIO(raw), name), **more})


def test_a_file_is_kept_listed_read_and_deleted(client_of: Client) -> None:
    alice = client_of("alice")
    made = send(alice, "Grüße & plan.md", "Höhe: 5 m\n".encode())
    assert made.status_code == 201
    file = made.get_json()["data"]
    assert (file["name"], file["media_type"], file["size"]) == ("Grüße & plan.md", "text/markdown", 11)
    assert alice.get("/api/v1/files").get_json()["data"][0] == file
    assert alice.get(f"/api/v1/files/{file['id']}").get_json()["data"]["sha256"]
    shown = alice.get(f"/api/v1/files/{file['id']}/content")
    assert shown.text == "Höhe: 5 m\n" and shown.content_type == "text/plain; charset=utf-8"
    assert shown.headers["X-Content-Type-Options"] == "nosniff" and "Content-Disposition" not in shown.headers
    down = alice.get(f"/api/v1/files/{file['id']}/content?download=1").headers["Content-Disposition"]
    assert down.startswith("attachment;") and "filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%26%20plan.md" in down
    assert alice.delete(f"/api/v1/files/{file['id']}").status_code == 200
    assert alice.get(f"/api/v1/files/{file['id']}").status_code == 404


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("a.exe", b"text"), ("a", b"text"), (".txt", b"text"), ("a.html", b"<script>"), ("a.txt", b""), ("a.txt", b" \n\t"),
        ("a.txt", b"a\0b"), ("a.txt", b"\xff\xfe"), ("a.txt", b"\xed\xa0\x80"), ("a.pdf", b"%PDF-1.7"), ("../.txt", b"x"),
    ],
)  # fmt: skip
def test_what_is_not_text_is_refused(name: str, raw: bytes, client_of: Client, owner: Any, world: Any) -> None:
    count = f"select count(*) from {world.acme.schema}.user_file"
    before = owner.execute(count).fetchone()
    answer = send(client_of("alice"), name, raw)
    assert answer.status_code == 422 and "file" in answer.get_json()["error"]["fields"]
    assert owner.execute(count).fetchone() == before


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"), ("C:\\Users\\x\\plan.md", "plan.md"), ("a\r\nSet-Cookie: b.txt", "aSet-Cookie b.txt"),
        ("n" * 300 + ".txt", "n" * 196 + ".txt"), ("x\u202etxt.exe.md", "xtxt.exe.md"), ('q"uote<>.csv', "quote.csv"),
    ],
)  # fmt: skip
def test_names_are_made_harmless(name: str, kept: str) -> None:
    assert clean_name(name) == kept


def test_a_file_that_is_too_large_is_refused_in_words(app: Flask, client_of: Client, server: Client) -> None:
    most = app.extensions["onyx"].settings.upload_limit
    with server().http(client_of("alice").token) as http:
        for size, status in ((most, 201), (most + 1, 413), (most * 3, 413)):
            answer = http.post("/api/v1/files", files={"file": ("a.txt", b"x " * (size // 2) + b"x" * (size % 2))})
            assert answer.status_code == status, size
    assert answer.json()["error"]["code"] == "too_large"


def test_no_file_and_no_form_are_refused(client_of: Client) -> None:
    alice = client_of("alice")
    for sent in (
        {"data": {}},
        {"json": {}},
        {"data": b"x", "content_type": "multipart/form-data"},
        {"data": {"file": "text"}},
    ):
        assert alice.post("/api/v1/files", **sent).status_code in (400, 422)


def test_a_limited_person_may_not_upload(client_of: Client) -> None:
    assert send(client_of("lee"), "a.txt", b"text").status_code == 403
    assert client_of("lee").get("/api/v1/files").status_code == 200


def test_foreign_deleted_and_random_files_answer_alike(client_of: Client) -> None:
    alice = client_of("alice")
    id = send(alice, "mine.txt", b"text").get_json()["data"]["id"]
    gone = send(alice, "gone.txt", b"text").get_json()["data"]["id"]
    alice.delete(f"/api/v1/files/{gone}")
    for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        told = set()
        for client, one in ((client_of("bob"), id), (client_of("mallory"), id), (client_of("dana"), id), (alice, gone),
                            (alice, str(uuid4())), (alice, "nonsense")):  # fmt: skip
            answer = client.open(f"/api/v1/files/{one}{path}", method=method)
            told.add((answer.status_code, re.sub(r'"request_id": "\w+"', "", answer.text)))
        assert len(told) == 1 and told.pop()[0] == 404, (method, path)
    assert alice.get(f"/api/v1/files/{id}").status_code == 200
    assert id not in client_of("bob").get("/api/v1/files").text


def test_the_list_goes_by_cursor_and_by_project(client_of: Client) -> None:
    cleo, alice = client_of("cleo"), client_of("alice")
    project = cleo.post("/api/v1/projects", json={"name": "Bridge"}).get_json()["data"]["id"]
    made = [
        send(cleo, f"{i}.txt", b"text", project_id=project if i % 2 else "").get_json()["data"]["id"] for i in range(5)
    ]
    first = cleo.get("/api/v1/files?limit=3").get_json()
    rest = cleo.get(f"/api/v1/files?limit=3&after={first['next']}").get_json()
    assert [f["id"] for f in first["data"] + rest["data"]] == made[::-1] and rest["next"] is None
    assert [f["id"] for f in cleo.get(f"/api/v1/files?project_id={project}").get_json()["data"]] == [made[3], made[1]]
    assert send(alice, "a.txt", b"text", project_id=project).status_code == 404


def test_uploads_and_deletions_are_recorded_without_content(client_of: Client, owner: Any, world: Any) -> None:
    alice = client_of("alice")
    id = send(alice, "canary.txt", b"canary inside").get_json()["data"]["id"]
    alice.delete(f"/api/v1/files/{id}")
    found = owner.execute(
        f"select action, to_jsonb(e)::text from {world.acme.schema}.audit_event e where targets::text like %s"
        " order by recorded_at, event_id", [f"%{id}%"],
    ).fetchall()  # fmt: skip
    assert [action for action, _ in found] == ["file.uploaded", "file.deleted"]
    assert "canary" not in str(found)
