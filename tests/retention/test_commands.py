"""`flask retention` as an operator types it."""

from __future__ import annotations

import json

from onyx.retention import shelf
from tests.commands.test_commands import flask  # noqa: F401


def test_previewing_holding_applying_and_reading(flask, world, old_chat, old_log, chats, owner, events, var):  # noqa: F811
    chat, name = old_chat("alice", 40), old_log(world.acme, 5)
    of = ("--tenant", world.acme.slug)
    shown = json.loads(flask("retention", "preview", *of, "--chat-days", 30, "--access-days", 60, "--json").output)[0]
    assert (shown["chats"]["preview"]["chats"], shown["access_log"]["preview"]["entries"]) == (1, 3)
    assert "retention_chat_days" in flask("tenants", "set", world.acme.slug, "retention_chat_days=30", "retention_access_days=60").output.replace(" ", "_")  # fmt: skip
    held = flask("retention", "hold", *of, "--on", "--reason", "Case 7")
    assert held.exit_code == 0 and flask("retention", "hold", *of, "--on").exit_code == 1
    nothing = json.loads(flask("retention", "apply", *of, "--yes", "--json").output)[0]
    assert (nothing["chats_set_aside"], nothing["months_archived"]) == (0, [])
    assert "Case 7" in flask("retention", "preview", *of, "--json").output
    assert flask("retention", "hold", *of, "--off").exit_code == 0
    assert flask("retention", "apply", *of).exit_code == 1, "it asks first"
    done = json.loads(flask("retention", "apply", *of, "--yes", "--json").output)[0]
    assert (done["chats_set_aside"], done["months_archived"], done["entries_archived"]) == (1, [name], 3)
    assert chats(world.acme) == {str(chat): True}
    assert events(world.acme, "chats.suspended")[0]["actor"]["type"] == "operator"

    found = json.loads(flask("retention", "archives", *of, "--json").output)
    read = flask("retention", "read", found[0]["id"])
    assert read.exit_code == 0 and [json.loads(line)["route"] for line in read.output.splitlines()] == ["/x"] * 3
    path = shelf.folder_of(var, world.acme.id) / found[0]["name"]
    path.write_bytes(path.read_bytes() + b"x")
    refused = flask("retention", "read", found[0]["id"])
    assert refused.exit_code == 1 and "not the file of the signed manifest" in refused.output
    assert flask("retention", "read", "x").exit_code == 1
    assert flask("retention", "preview", "--tenant", "nobody").exit_code == 1
    assert world.acme.slug in flask("retention", "preview").output
