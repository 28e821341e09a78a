"""Pictures of people: only what is a picture comes in, nothing else comes with it, and nothing else goes out (I1)."""

import base64
import io
import struct
import zipfile
import zlib

import pytest

PATH = "/api/v1/users/me/avatar"
SECRET = b"taken at home, 52.5 N 13.4 E <script>alert(1)</script>"
# One grey pixel as a baseline JPEG with an APP0 segment, as encoders write it.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/"
    "yQALCAABAAEBAREA/8wABgAQEAX/2gAIAQEAAD8A0s8g/9k="
)


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def send(client_of):
    def put(raw, name="alice", type="image/png"):
        return client_of(name).put(PATH, data={"file": (io.BytesIO(raw), "me.png", type)})

    return put


def _chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width=2, height=2, extra=(), pixels=None, tail=b""):
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    lines = b"".join(b"\x00" + b"\x10\x20\x30" * width for _ in range(height)) if pixels is None else pixels
    middle = b"".join(_chunk(name, body) for name, body in extra)
    whole = _chunk(b"IHDR", head) + middle + _chunk(b"IDAT", zlib.compress(lines)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + whole + tail


def jpeg(comment=b"", frame=0xC0):
    """A JPEG of one pixel, put together by hand: tables, a frame, a scan."""
    segment = lambda marker, body: bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body  # noqa: E731
    about = segment(0xFE, comment) + segment(0xE1, b"Exif\x00\x00" + comment) if comment else b""
    tables = segment(0xDB, bytes(65)) + segment(0xC4, bytes([0, 1, *bytes(15), 0]))
    head = segment(frame, bytes([8, 0, 1, 0, 1, 1, 1, 0x11, 0]))
    return b"\xff\xd8" + about + tables + head + segment(0xDA, bytes([1, 1, 0, 0, 63, 0])) + b"\x2a\xff\x00\x2a\xff\xd9"


def test_a_picture_is_shown_to_its_person_and_to_administrators_alone(client_of, send, world):
    alice = client_of("alice")
    assert alice.get(PATH).status_code == 404
    version = send(png()).get_json()["data"]["avatar"]
    answer = alice.get(PATH)
    assert answer.status_code == 200 and answer.data == png()
    assert answer.headers["Content-Type"] == "image/png" and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'; sandbox" in answer.headers.getlist("Content-Security-Policy")
    others = f"/api/v1/users/{world.alice.id}/avatar"
    assert client_of("dana").get(others).data == png()
    assert client_of("bob").get(others).status_code == 403 and client_of("greta").get(others).status_code == 404
    listed = client_of("dana").get(f"/api/v1/users?q={world.alice.email}").get_json()["data"]
    assert listed[0]["avatar"] == version
    assert f"avatar?v={version}" in alice.get("/settings").text
    assert alice.delete(PATH).get_json()["data"] == {"removed": True}
    assert alice.get(PATH).status_code == 404 and "avatar?v=" not in alice.get("/settings").text
    assert alice.delete(PATH).get_json()["data"] == {"removed": False}


def test_what_else_a_file_carries_is_not_kept(client_of, send, owner, world):
    for raw, clean in (
        (png(extra=[(b"tEXt", b"Comment\x00" + SECRET), (b"eXIf", SECRET)], tail=SECRET), png()),
        (jpeg(SECRET) + SECRET, jpeg()),
    ):
        assert send(raw).status_code == 200
        kept = client_of("alice").get(PATH).data
        assert kept == clean and SECRET not in kept
    rows = owner.execute(f"select user_id, media_type from {world.acme.schema}.avatar").fetchall()
    assert rows == [(world.alice.id, "image/jpeg")]


@pytest.mark.shares_world
@pytest.mark.parametrize(
    "raw",
    [
        b"", b"GIF89a" + bytes(20), b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", b"\x89PNG\r\n\x1a\n",
        png()[:-20], png().replace(b"IDAT", b"JDAT"), png(pixels=bytes(500_000)), png(pixels=b"\x00"),
        png(4000, 1), png(0, 0, pixels=b""), jpeg()[:-2], jpeg()[:30], jpeg(frame=0xC3), b"\xff\xd8\xff\xd9", b"\xff\xd8\xff",
        JPEG,
    ],
    ids=range(16),
)  # fmt: skip
def test_what_is_no_whole_small_picture_is_refused(send, raw):
    answer = send(raw)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (422, "invalid"), answer.text


def test_what_is_too_large_is_not_even_read(client_of):
    answer = client_of("alice").put(PATH, data=bytes(600_000), content_type="multipart/form-data; boundary=x")
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (413, "too_large")


def test_pictures_stand_in_the_trail_and_cannot_be_claimed_otherwise(client_of, send, owner, world):
    send(png())
    client_of("alice").delete(PATH)
    told = owner.execute(
        f"select action from {world.acme.schema}.audit_event where action like 'avatar.%%' order by recorded_at, event_id"
    ).fetchall()
    assert told == [("avatar.changed",), ("avatar.removed",)]
    answer = client_of("alice").patch("/api/v1/users/me", json={"preferences": {"avatar": "x"}})
    assert answer.status_code == 422


def test_ones_own_data_hold_the_picture(client_of, send):
    send(png())
    archive = client_of("alice").get("/api/v1/users/me/data").data
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        assert found.read("picture.png") == png()
