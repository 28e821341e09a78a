"""What is not a whole, unaltered archive of this installation is refused with a sentence, and changes nothing (T12)."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from uuid import uuid4

import pytest

from onyx.backups import making, restore
from onyx.backups.frames import _HEAD, MAGIC
from onyx.backups.keyring import new_passphrase, new_transfer
from onyx.backups.load import Loaded
from onyx.backups.restore import Source
from onyx.tenancy.steward import Refused


@pytest.fixture(scope="module")
def world(app, owner_url):
    from tests.cast import make_world

    return make_world(app, owner_url)


def frames_of(data: bytes) -> tuple[bytes, list[bytes]]:
    """Header and frames of an archive, as they lie in the file."""
    length = struct.unpack(">I", data[len(MAGIC) : len(MAGIC) + 4])[0]
    at = len(MAGIC) + 4 + length
    head, found = data[:at], []
    while at < len(data):
        size = _HEAD.size + _HEAD.unpack(data[at : at + _HEAD.size])[0]
        found.append(data[at : at + size])
        at += size
    return head, found


def with_header(data: bytes, **changed: object) -> bytes:
    length = struct.unpack(">I", data[len(MAGIC) : len(MAGIC) + 4])[0]
    text = json.loads(data[len(MAGIC) + 4 : len(MAGIC) + 4 + length])
    new = json.dumps({**text, **changed}, sort_keys=True, separators=(",", ":")).encode()
    return MAGIC + struct.pack(">I", len(new)) + new + data[len(MAGIC) + 4 + length :]


def _headed(text: bytes) -> bytes:
    return MAGIC + struct.pack(">I", len(text)) + text


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def swapped(frames: list[bytes]) -> list[bytes]:
    return [frames[0], frames[2], frames[1], *frames[3:]]


def renamed(frames: list[bytes], owner: bytes | None, version: bytes | None) -> list[bytes]:
    """The frames of the first person, said to be another's, or sealed by another key of theirs."""
    person = next(frame[5:21] for frame in frames if any(frame[5:21]))
    return [
        frame[:5] + (owner or person) + (version or frame[21:25]) + frame[25:] if frame[5:21] == person else frame
        for frame in frames
    ]


HARMS = {
    "empty": (lambda data, head, frames: b"", "not an archive"),
    "something else": (lambda data, head, frames: b"PK\x03\x04" + data, "not an archive"),
    "cut in the header": (lambda data, head, frames: data[:40], "cut off"),
    "cut in a frame": (lambda data, head, frames: data[:-100], "cut off"),
    "cut between frames": (lambda data, head, frames: head + b"".join(frames[:-1]), "cut off"),
    "cut to a few frames": (lambda data, head, frames: head + b"".join(frames[:3]), "cut off"),
    "a frame taken out": (lambda data, head, frames: head + b"".join(frames[:2] + frames[3:]), "does not open"),
    "a frame twice": (lambda data, head, frames: head + b"".join(frames[:2] + frames[1:]), "does not open"),
    "frames exchanged": (lambda data, head, frames: head + b"".join(swapped(frames)), "does not open"),
    "a bit of what is sealed": (
        lambda data, head, frames: flipped(data, len(head) + len(frames[0]) + _HEAD.size + 5), "does not open"
    ),
    "a bit of whose it is": (
        lambda data, head, frames: flipped(data, len(head) + len(frames[0]) + 10), "names a table as Onyx does not"
    ),
    "a bit at the end": (lambda data, head, frames: flipped(data, len(data) - 1), "does not open"),
    "a key that never was": (
        lambda data, head, frames: head + b"".join(renamed(frames, None, b"\0\0\0\x63")), "never had"
    ),
    "somebody who never was": (
        lambda data, head, frames: head + b"".join(renamed(frames, b"\7" * 16, None)), "is not what was saved|app_user"
    ),
    "more at the end": (lambda data, head, frames: data + b"x", "follows"),
    "another slug in the header": (
        lambda data, head, frames: with_header(data, tenant={**json.loads(head[17:])["tenant"], "slug": "x"}),
        "does not open",
    ),
    "a newer format": (lambda data, head, frames: with_header(data, format=3), "format 3"),
    "a newer version": (lambda data, head, frames: with_header(data, versions=[1, 9999]), "newer version"),
    "another installation": (lambda data, head, frames: with_header(data, public_key="00" * 32), "another installation"),
    "a header without keys": (lambda data, head, frames: with_header(data, tenant={}), "header was altered"),
    "a header of another kind": (lambda data, head, frames: _headed(b"[1]"), "header was altered"),
    "a header without an end": (lambda data, head, frames: _headed(b"[" * 200_000), "header was altered"),
    "versions that are none": (lambda data, head, frames: with_header(data, versions=[[1]]), "header was altered"),
    "no versions": (lambda data, head, frames: with_header(data, versions=None), "header was altered"),
    "a public key that is none": (lambda data, head, frames: with_header(data, public_key=["x"]), "header was altered"),
    "an id that is none": (lambda data, head, frames: with_header(data, archive=7), "header was altered"),
}  # fmt: skip


@pytest.fixture(scope="module")
def archive(app, owner_url, world, tmp_path_factory):
    from onyx.core.actor import Actor, Request

    where = Request("r", "CLI", "test")
    actor = Actor(world.platform.id, "platform", "Platform", None, "", "test", kind="operator", request=where)
    made = making.make(owner_url, tmp_path_factory.mktemp("var"), world.acme.id, actor)
    return Path(made["path"]).read_bytes(), actor


@pytest.mark.parametrize("harm", HARMS)
def test_harm_is_told_and_changes_nothing(owner, owner_url, archive, tmp_path, world, harm):
    data, actor = archive
    change, words = HARMS[harm]
    head, frames = frames_of(data)
    assert len(frames) > 20
    path = tmp_path / "harmed.onyx"
    path.write_bytes(change(data, head, frames))
    before = _world_of(owner)
    for slug in (None, "stolen"):
        with pytest.raises(Refused, match=words):
            restore.restore(owner_url, Source(path), actor, slug)
    assert _world_of(owner) == before


def test_an_export_without_its_passphrase_stays_closed(owner, owner_url, archive, tmp_path, world):
    _, actor = archive
    path = tmp_path / "export.onyx"
    passphrase = making.export(owner_url, path, world.acme.id, actor)
    assert passphrase not in path.read_bytes().decode("latin-1")
    for given, words in (
        (None, "give the passphrase"),
        ("", "give the passphrase"),
        (passphrase[:-1], "does not open"),
    ):
        with pytest.raises(Refused, match=words):
            restore.restore(owner_url, Source(path, given), actor, "stolen")
    with pytest.raises(Refused, match="there already"):
        making.export(owner_url, path, world.acme.id, actor)
    spoken = passphrase.upper().replace("-", " ")
    assert restore.restore(owner_url, Source(path, spoken), actor, f"{world.acme.slug}-x")["rows"] > 0


def test_an_export_cannot_bring_a_name_that_is_kept(owner, owner_url, archive, tmp_path, world):
    """Without --as the name is its own, which whoever made it chose."""
    path, made = tmp_path / "export.onyx", tmp_path / "made.onyx"
    passphrase = making.export(owner_url, made, world.acme.id, archive[1])
    data = made.read_bytes()
    for slug, words in (("support", "Onyx itself"), ("supp0rt", "Onyx itself"), ("No Slug", "small letters")):
        path.write_bytes(with_header(data, tenant={"id": str(uuid4()), "slug": slug, "name": "x", "settings": "{}"}))
        with pytest.raises(Refused, match=words):
            restore.restore(owner_url, Source(path, passphrase), archive[1])


def test_keys_and_passphrases_do_not_show_themselves():
    passphrase = new_passphrase()
    keys, _ = new_transfer(uuid4(), passphrase)
    loaded = Loaded({}, secrets={"keys": ["canary"]})
    shown = repr((keys, Source(Path("x"), passphrase), loaded))
    assert passphrase not in shown and repr(keys.content) not in shown and "canary" not in shown


def test_names_that_are_taken_or_malformed_are_told(owner_url, archive, tmp_path, world):
    data, actor = archive
    path = tmp_path / "good.onyx"
    path.write_bytes(data)
    for slug, words in (
        (world.globex.slug, "already"),
        ("No Slug", "small letters"),
        ("platf0rm", "Onyx itself"),
        ("x'; drop schema onyx", "small letters"),
    ):
        with pytest.raises(Refused, match=words):
            restore.restore(owner_url, Source(path), actor, slug)
    with pytest.raises(Refused, match="no such file"):
        restore.restore(owner_url, Source(tmp_path / "nothing"), actor)


def _world_of(owner):
    return (
        owner.execute("select id, slug, status from onyx.tenant order by id").fetchall(),
        owner.execute("select nspname from pg_namespace where nspname ~ '^(tenant|replaced)' order by 1").fetchall(),
        owner.execute("select rolname from pg_roles where rolname ~ '^tenant' order by 1").fetchall(),
    )
