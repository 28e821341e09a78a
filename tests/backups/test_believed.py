"""What an archive says of itself is not believed unread: settings, what it carries, where it is written (T12)."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from onyx.backups import dump, frames, making, restore, settling
from onyx.backups.frames import Reader, Writer
from onyx.backups.keyring import transfer_keys
from onyx.backups.restore import Source
from onyx.core.actor import Actor, Request
from onyx.core.ids import parse_id
from onyx.tenancy import signing
from onyx.tenancy.steward import Refused
from onyx.tenancy.whole_files import placed
from tests.cast import make_world


@pytest.fixture(scope="module")
def world(app, owner_url):
    return make_world(app, owner_url)


@pytest.fixture(scope="module")
def operator(world):
    where = Request("r", "CLI", "test")
    return Actor(world.platform.id, "platform", "Platform", None, "", "test", kind="operator", request=where)


SETTINGS = {"model_name": "canary-model", "model_base_url": "https://models.example/v1", "quota_users": 40}


@pytest.fixture(scope="module")
def export(app, owner_url, world, operator, tmp_path_factory):
    """An export of Acme with settings: its bytes and its passphrase."""
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("update onyx.tenant set settings = %s where id = %s", [Jsonb(SETTINGS), world.acme.id])
    path = tmp_path_factory.mktemp("export") / "acme.onyx"
    passphrase = making.export(owner_url, path, world.acme.id, operator)
    return path.read_bytes(), passphrase


def rewritten(export, change, header_of=lambda header: header):
    """The export opened with its passphrase, changed frame by frame, and sealed again under the same key."""
    data, passphrase = export
    reader = Reader(io.BytesIO(data))
    keys, made = transfer_keys(reader.header, passphrase), io.BytesIO()
    header = header_of({name: value for name, value in reader.header.items() if name != "format"})
    writer = Writer(made, header, keys)
    for frame in reader.frames(keys):
        plain = change(frame.kind, frame.plain)
        if plain is not None:
            writer.add(frame.kind, plain, frame.owner, last=frame.kind == "E")
    return made.getvalue()


def _bring(owner_url, tmp_path, data, passphrase, operator, slug):
    path = tmp_path / "changed.onyx"
    path.write_bytes(data)
    return restore.restore(owner_url, Source(path, passphrase), operator, slug)


def test_settings_are_sealed_and_come_back(owner, owner_url, world, operator, export, tmp_path):
    made = Path(making.make(owner_url, tmp_path, world.acme.id, operator)["path"]).read_bytes()
    assert b"canary-model" not in export[0] and b"canary-model" not in made
    assert rewritten(export, lambda _, plain: plain) == export[0], "else the tests below would prove nothing"
    went = _bring(owner_url, tmp_path, *export, operator, f"{world.acme.slug}-s")
    kept = owner.execute("select settings from onyx.tenant where id = %s", [parse_id(went["tenant_id"])]).fetchone()[0]
    assert kept == SETTINGS


BAD = {
    "a quota that is none": ({"quota_users": "many"}, "quota_users"),
    "an address that is none": ({"model_base_url": "file:///etc/passwd", "model_name": "x"}, "model_base_url"),
    "a network that is none": ({"ip_allow": ["everywhere"]}, "everywhere"),
    "a list": ([1, 2], "not what Onyx writes"),
    "nothing": (None, "not what Onyx writes"),
}


def test_settings_of_another_installation_are_read_as_the_form_reads_them(
    owner, owner_url, world, operator, export, tmp_path, monkeypatch
):
    monkeypatch.setattr("onyx.backups.aim.made_here", lambda *_: False)
    for said, words in BAD.values():
        with pytest.raises(frames.Damaged, match=words):
            settling.settings_of(said, own=False)
    said, words = BAD["an address that is none"]
    with pytest.raises(Refused, match=words):
        _bring(owner_url, tmp_path, _with_settings(export, said, owner), export[1], operator, f"{world.acme.slug}-bad")
    more = {**SETTINGS, "unknown": "canary", "ip_allow": ["203.0.113.9"]}
    went = _bring(owner_url, tmp_path, _with_settings(export, more, owner), export[1], operator, f"{world.acme.slug}-t")
    kept = owner.execute("select settings from onyx.tenant where id = %s", [parse_id(went["tenant_id"])]).fetchone()[0]
    assert kept == {**SETTINGS, "ip_allow": ["203.0.113.9/32"]}


def _with_settings(export, said, owner):
    """As an installation would sign it whose people can write what they like into its settings."""
    plain = json.dumps({"settings": said}).encode()

    def change(kind, was):
        if kind == "A":
            return plain
        return _signed(was, owner, {"A": hashlib.sha256(plain).hexdigest()}) if kind == "E" else was

    return rewritten(export, change)


def _signed(was, owner, parts, **more):
    manifest = json.loads(was)["content"]
    manifest["parts"] = {**manifest["parts"], **parts}
    return json.dumps(signing.signed_document(dump.KIND, {**manifest, **more}, owner)).encode()


@pytest.mark.parametrize("kind", ["A", "X"])
def test_what_the_manifest_does_not_name_is_refused(owner_url, world, operator, export, tmp_path, kind):
    """Whoever has the passphrase can seal what they like, but not sign it."""

    def change(found, plain):
        return plain + b" " if found == kind else plain

    with pytest.raises(Refused, match="not the one that its manifest names"):
        _bring(owner_url, tmp_path, rewritten(export, change), export[1], operator, f"{world.acme.slug}-x")


def test_an_archive_of_the_former_format_is_read(owner, owner_url, world, operator, export, tmp_path, monkeypatch):
    tenant = {"id": str(world.acme.id), "slug": world.acme.slug, "name": "Acme", "settings": json.dumps(SETTINGS)}

    def change(kind, was):
        return None if kind == "A" else _signed(was, owner, {}, tenant=tenant) if kind == "E" else was

    with monkeypatch.context() as former:
        former.setattr(frames, "FORMAT", 1)
        data = rewritten(export, change, lambda header: {**header, "tenant": tenant})
    went = _bring(owner_url, tmp_path, data, export[1], operator, f"{world.acme.slug}-o")
    kept = owner.execute("select settings from onyx.tenant where id = %s", [parse_id(went["tenant_id"])]).fetchone()[0]
    assert kept == SETTINGS


def test_nothing_is_written_where_somebody_else_points(tmp_path):
    """A link that lies under the name of the unfinished file is neither followed nor written through."""
    victim, path = tmp_path / "victim", tmp_path / f"{uuid4().hex}.onyx"
    victim.write_bytes(b"precious")
    path.with_name(path.name + ".part").symlink_to(victim)
    with placed(path) as file:
        file.write(b"archive")
    assert victim.read_bytes() == b"precious"
    assert path.read_bytes() == b"archive" and not path.is_symlink() and path.stat().st_mode & 0o777 == 0o600
