"""What Onyx signs can be checked by anybody, and nobody but Onyx can sign it."""

from __future__ import annotations

import base64
import json

import pytest

from onyx.core import master
from onyx.core.canonical import canonical
from onyx.core.scope import tenant_scope
from onyx.core.signing import NotGenuine, PublicKey, Signature, SigningKey, check, check_document, document
from onyx.tenancy import signing
from tests.tenancy import attack

CONTENT = {"tenant": "acme", "rows": 12, "ok": True, "none": None, "list": ["ü", "\u2028", "€"], "é": {"b": 1, "a": 2}}


def test_canonical_json_is_that_of_rfc_8785():
    """Names by UTF-16 units: the sample of section 3.2.3, where U+1F600 comes before U+FB33."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = list(json.loads(canonical(dict.fromkeys(names, ""))))
    assert ordered == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert (
        canonical({"b": '\u000f\n"\\/€', "a": [True, None, -5]})
        == '{"a":[true,null,-5],"b":"\\u000f\\n\\"\\\\/€"}'.encode()
    )
    for wrong in (0.5, float("nan"), 2**53, "\ud800", {"x": {"\ud800": 1}}):
        with pytest.raises(ValueError):
            canonical(wrong)
    for foreign in (b"", {1: 2}, object()):
        with pytest.raises(TypeError):
            canonical(foreign)


def test_ed25519_is_that_of_rfc_8032():
    """The second test vector of section 7.1."""
    key = SigningKey(bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
    assert key.public.value.hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert key.sign(b"\x72").value.hex().startswith("92a009a9f0d4cab8720e820b5f642540")


def test_a_private_key_does_not_show_itself():
    key = SigningKey.new()
    assert repr(key) == "SigningKey()" and str(key.seed) not in str(key)
    assert "key" not in vars(master.Master(bytes(32))) and "\\x00" not in repr(master.Master(bytes(32)))


def test_an_altered_document_is_not_genuine():
    key = SigningKey.new()
    made = json.loads(json.dumps(document(key, "test/1", CONTENT)))
    assert check_document(made, key.public, "test/1") == CONTENT
    for path, other in (
        ("kind", "test/2"),
        ("issued_at", "2020-01-01T00:00:00Z"),
        ("content", {**CONTENT, "rows": 13}),
    ):
        with pytest.raises(NotGenuine):
            check_document({**made, path: other}, key.public)
    flipped = bytearray(base64.b64decode(made["signature"]["value"]))
    flipped[0] ^= 1
    for broken in (
        {**made, "extra": 1}, {**made, "signature": None}, {**made, "signature": {}}, {}, [], None, "x",
        {**made, "signature": {**made["signature"], "value": "!"}}, {**made, "content": {"x": 0.5}},
        {**made, "signature": {**made["signature"], "value": base64.b64encode(flipped).decode()}},
    ):  # fmt: skip
        with pytest.raises(NotGenuine):
            check_document(broken, key.public)
    with pytest.raises(NotGenuine):
        check_document(made, SigningKey.new().public)
    with pytest.raises(NotGenuine, match="of kind test/1"):
        check_document(made, key.public, "test/2")
    with pytest.raises(NotGenuine):
        check(canonical({name: made[name] for name in ("kind", "issued_at", "content")}),
              Signature(key.public.id, base64.b64decode(made["signature"]["value"])), key.public)  # fmt: skip


def test_the_application_and_the_owner_sign_with_the_same_key(app, world, owner):
    with app.app_context(), tenant_scope(world.acme.id, "member", world.alice.id):
        made = signing.signed_document("test/1", CONTENT)
        own = signing.sign(b"payload")
        signing.verify(b"payload", own, owner)
        with pytest.raises(NotGenuine):
            signing.verify(b"payloae", own)
        with pytest.raises(NotGenuine):
            signing.verify(b"payload", Signature("0" * 16, own.value))
    assert signing.verify_document(made, "test/1", owner) == CONTENT
    assert signing.sign(b"payload", owner) == own


def test_what_a_retired_key_signed_stays_good(app, world, owner):
    before = signing.signed_document("test/1", CONTENT, owner)
    renewed = signing.renew(owner)
    after = signing.signed_document("test/1", CONTENT, owner)
    assert after["signature"]["key_id"] == renewed.id != before["signature"]["key_id"]
    for made in (before, after):
        assert signing.verify_document(made, "test/1", owner) == CONTENT
    retired = [known.retired_at is None for known in signing.public_keys(owner)]
    assert retired == [False] * (len(retired) - 1) + [True]


def test_everybody_signed_in_reads_the_public_keys(client_of, owner):
    for name in ("lee", "carol", "mallory", "petra"):
        shown = client_of(name).get("/api/v1/signing-keys").get_json()["data"]
        assert shown[-1]["retired_at"] is None
        made = signing.signed_document("test/1", CONTENT, owner)
        public = PublicKey(base64.b64decode(shown[-1]["public_key"]))
        assert public.id == shown[-1]["id"] and check_document(made, public) == CONTENT
        assert set(shown[-1]) == {"id", "algorithm", "public_key", "created_at", "retired_at"}
    assert client_of(None).get("/api/v1/signing-keys").status_code == 401


PURPOSES = ("member", "admin", "auditor", "platform", "auth", "breakglass", "job:control", "job:anything")
HOSTILE = ["reset role", "select * from onyx.signing_secret()", "select wrapped from onyx.signing_key",
           "select * from onyx.signing_key", "select k::text from onyx.signing_key k", "table onyx.signing_key",
           "update onyx.signing_key set retired_at = now()", "delete from onyx.signing_key",
           "delete from onyx.master_key", "update onyx.master_key set retired_at = now()",
           "insert into onyx.signing_key select * from onyx.signing_key"]  # fmt: skip


@pytest.mark.parametrize("purpose", PURPOSES)
def test_no_request_reads_a_private_key_even_wrapped(stage, owner, purpose):
    before = owner.execute("select md5(string_agg(k::text, '')) from onyx.signing_key k").fetchall()
    wrapped = [bytes(row[0]) for row in owner.execute("select wrapped from onyx.signing_key").fetchall() if row[0]]
    assert wrapped
    for role in ((), ("set role {globex}",)):
        heard = attack.inject(stage, [*role, *HOSTILE], purpose, "dana")
        assert not any(one.hex() in text or repr(one) in text for one in wrapped for text in heard)
        assert not any("b'" in text for text in heard), heard
    assert owner.execute("select md5(string_agg(k::text, '')) from onyx.signing_key k").fetchall() == before
