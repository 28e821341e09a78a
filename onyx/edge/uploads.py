"""Bodies that are larger than other requests' may be."""

from flask import request

from onyx.core.errors import TooLarge

ENVELOPE = 16 * 1024  # what multipart adds to a file
_READ_AWAY = 64 * 1024 * 1024


def must_fit(most: int, what: str, envelope: int = 0) -> None:
    """Let this request's body have `most` bytes. Raises TooLarge for a larger one, after reading it away: a browser
    that still sends would never see the answer.
    """
    request.max_content_length = most + envelope
    if (request.content_length or 0) <= most + envelope:
        return
    left = min(request.content_length or 0, _READ_AWAY)
    while left > 0 and (read := len(request.environ["wsgi.input"].read(min(left, 65_536)))):
        left -= read
    raise too_large(most, what)


def too_large(most: int, what: str) -> TooLarge:
    shown = f"{most // 1024} KiB" if most < 1024**3 else f"{most // 1024**3} GiB"
    return TooLarge(f"{what} may have {shown} at most.")
