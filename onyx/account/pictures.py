"""Pictures that people upload of themselves: taken apart and put together anew, so that nothing but the picture is left.

PNG (ISO/IEC 15948) and JPEG (ITU-T T.81) alone, told by their content. What else a file carries, such as places in
Exif, scripts behind the end or another format inside, does not get through.
"""

import struct
import zlib

from onyx.core.errors import Invalid

MOST_BYTES = 512 * 1024
MOST_PIXELS = 1024  # on each side
_PNG = b"\x89PNG\r\n\x1a\n"
_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive
_TABLES = (0xC4, 0xDB, 0xDD)
_SCAN = 0xDA


def cleaned(raw: bytes) -> tuple[str, bytes]:
    """Media type and bytes of the picture alone. Raises Invalid for everything that is no whole, small picture."""
    if len(raw) > MOST_BYTES:
        raise _refused(f"A picture may have {MOST_BYTES // 1024} KiB at most.")
    try:
        if raw.startswith(_PNG):
            return "image/png", _png(raw)
        if raw.startswith(b"\xff\xd8\xff"):
            return "image/jpeg", _jpeg(raw)
    except (struct.error, zlib.error, IndexError, KeyError):
        raise _refused("This picture is damaged.") from None
    raise _refused("Choose a PNG or JPEG picture.")


def _png(raw: bytes) -> bytes:
    chunks: list[tuple[bytes, bytes]] = []
    at = len(_PNG)
    while not chunks or chunks[-1][0] != b"IEND":
        length, name = struct.unpack_from(">I4s", raw, at)
        body = raw[at + 8 : at + 8 + length]
        (crc,) = struct.unpack_from(">I", raw, at + 8 + length)
        if zlib.crc32(name + body) != crc:
            raise _refused("This picture is damaged.")
        if name in _KEPT:
            chunks.append((name, body))
        at += 12 + length
    if chunks[0][0] != b"IHDR" or [name for name, _ in chunks].count(b"IHDR") != 1:
        raise _refused("This picture is damaged.")
    _pixels_fit(chunks[0][1], b"".join(body for name, body in chunks if name == b"IDAT"))
    parts = (struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in chunks)
    return _PNG + b"".join(parts)


def _pixels_fit(head: bytes, packed: bytes) -> None:
    """The pixels unpack to what the head announces, and to no byte more: no bomb, nothing hidden behind."""
    width, height, depth, colour, packing, filtering, interlace = struct.unpack(">IIBBBBB", head)
    _size_fits(width, height)
    if packing or filtering or interlace or depth not in (1, 2, 4, 8, 16):
        raise _refused("Save this picture as an ordinary PNG, not an interlaced one.")
    expected = height * (1 + (width * _SAMPLES[colour] * depth + 7) // 8)
    unpacker = zlib.decompressobj()
    found = unpacker.decompress(packed, expected + 1)
    if len(found) != expected or not unpacker.eof or unpacker.unused_data:
        raise _refused("This picture is damaged.")


def _jpeg(raw: bytes) -> bytes:
    """Segments that make up the picture, then its scans, up to the end marker; application data and comments go."""
    out, at, seen = [b"\xff\xd8"], 2, set()
    while raw[at + 1] != 0xD9:
        marker, segment = _segment(raw, at)
        at += len(segment)
        if marker in _FRAMES:
            _size_fits(*reversed(struct.unpack_from(">HH", segment, 5)))
        elif marker == _SCAN:
            end = _end_of_scan(raw, at)
            segment, at = segment + raw[at:end], end
        elif marker not in _TABLES:
            continue
        seen.add(marker)
        out.append(segment)
    if _SCAN not in seen or len(seen & set(_FRAMES)) != 1:
        raise _refused("This picture is damaged.")
    return b"".join([*out, b"\xff\xd9"])


def _segment(raw: bytes, at: int) -> tuple[int, bytes]:
    """Marker and bytes of the segment here. Raises Invalid for kinds that ordinary pictures do not have."""
    (length,) = struct.unpack_from(">H", raw, at + 2)
    marker, segment = raw[at + 1], raw[at : at + 2 + length]
    if raw[at] != 0xFF or length < 2 or len(segment) != 2 + length:
        raise _refused("This picture is damaged.")
    if marker not in (*_FRAMES, *_TABLES, _SCAN, 0xFE, *range(0xE0, 0xF0)):
        raise _refused("Save this picture as an ordinary JPEG.")
    return marker, segment


def _end_of_scan(raw: bytes, at: int) -> int:
    """Where coded data ends: the next marker that is neither a stuffed byte nor a restart (T.81, B.1.1.5)."""
    while True:
        at = raw.index(b"\xff", at) if b"\xff" in raw[at:] else len(raw)
        if raw[at + 1] not in (0x00, *range(0xD0, 0xD8)):
            return at
        at += 2


def _size_fits(width: int, height: int) -> None:
    if not (0 < width <= MOST_PIXELS and 0 < height <= MOST_PIXELS):
        raise _refused(f"A picture may have {MOST_PIXELS} pixels on each side at most.")


def _refused(message: str) -> Invalid:
    return Invalid(message, fields={"file": message})
