"""The drill for a lost master key, as docs/operations/keys.md tells it (U4)."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from onyx.tenancy import boot_check, master_check, signing
from tests.keyring.conftest import new_key, upload


def test_a_lost_master_key_takes_files_along_and_nothing_else(app, client_of, world, owner, masters, flask):
    alice = client_of("alice")
    lost = upload(alice, "The harbour opens at nine.")
    chat = alice.post("/api/v1/sessions", json={"title": "About the harbour"}).get_json()["data"]
    document = signing.signed_document("test/1", {"x": 1}, owner)

    masters(new_key())  # step 2: the right one is nowhere
    with app.app_context(), pytest.raises(master_check.WrongMasterKey):
        boot_check.require_walls()
    assert flask("keys", "abandon-master", "--confirm", "yes").exit_code == 1
    with app.app_context(), pytest.raises(master_check.WrongMasterKey):
        boot_check.require_walls()
    done = flask("keys", "abandon-master", "--confirm", "all files are lost", "--json")
    assert done.exit_code == 0 and json.loads(done.output)["destroyed"] >= 2

    with app.app_context():  # step 3
        boot_check.require_walls()
    answer = alice.get(f"/api/v1/files/{lost}/content")
    assert answer.status_code == 409 and "cannot be opened" in answer.get_json()["error"]["message"]
    assert alice.get(f"/api/v1/sessions/{chat['id']}").status_code == 200
    again = upload(alice, "The harbour opens at ten.")
    assert alice.get(f"/api/v1/files/{again}/content").text == "The harbour opens at ten."
    archive = zipfile.ZipFile(io.BytesIO(alice.get("/api/v1/users/me/data").data))
    assert f"files/{lost}/harbour.txt.cannot-be-opened.txt" in archive.namelist()
    assert alice.delete(f"/api/v1/files/{lost}").status_code == 200
    assert signing.verify_document(document, owner=owner) == {"x": 1}
    assert signing.verify_document(signing.signed_document("test/1", {"x": 2}, owner), owner=owner) == {"x": 2}
    told = owner.execute(
        f"select actor->>'type' from {world.platform.schema}.audit_event where action = 'master_key.abandoned'"
    ).fetchall()
    assert told == [("operator",)]


def test_the_right_key_is_not_given_up(flask, owner):
    done = flask("keys", "abandon-master", "--confirm", "all files are lost")
    assert done.exit_code == 1 and "nothing is lost" in done.output
    assert master_check.pending(owner) is False
