"""What may be asked of the logs, from the query string: words to typed filters."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from onyx.audit.actions import Action
from onyx.core.errors import Invalid
from onyx.core.ids import parse_id

OUTCOMES = ("success", "failure", "denied", "error")
LONGEST = 200


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; None means any. `until` is exclusive."""

    actor: str | None = None
    action: tuple[str, ...] | None = None
    target: str | None = None
    outcome: str | None = None
    ip: str | None = None
    session: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None

    def told(self) -> dict[str, str]:
        """The filters that are set, as they stand in the trail when somebody looked."""
        return _told(self)


@dataclass(frozen=True, slots=True)
class AccessFilter:
    """Which lines of the access log; `status` is a range, both ends inclusive."""

    user: str | None = None
    method: str | None = None
    status: tuple[int, int] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def told(self) -> dict[str, str]:
        """The filters that are set."""
        return _told(self)


def event_filter(sent: Mapping[str, str]) -> EventFilter:
    """The filter in a query string. Raises Invalid, naming the field."""
    return EventFilter(
        actor=_text(sent, "actor"),
        action=_actions(_text(sent, "action")),
        target=_text(sent, "target"),
        outcome=_one_of(_text(sent, "outcome"), "outcome", OUTCOMES),
        ip=_text(sent, "ip"),
        session=_id(_text(sent, "session"), "session"),
        since=moment(_text(sent, "from"), "from"),
        until=moment(_text(sent, "to"), "to", end=True),
        text=_text(sent, "q"),
    )


def access_filter(sent: Mapping[str, str]) -> AccessFilter:
    """The filter in a query string. Raises Invalid, naming the field."""
    method = _text(sent, "method")
    return AccessFilter(
        user=_text(sent, "user"),
        method=method.upper() if method else None,
        status=_status(_text(sent, "status")),
        since=moment(_text(sent, "from"), "from"),
        until=moment(_text(sent, "to"), "to", end=True),
    )


def moment(text: str | None, name: str, end: bool = False) -> datetime | None:
    """A moment (RFC 3339) or a date in UTC; a date as `end` includes its whole day (F50). Raises Invalid."""
    if text is None:
        return None
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text) + timedelta(days=int(end)), time(), UTC)
        found = datetime.fromisoformat(text.replace(" ", "+"))
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return found + timedelta(microseconds=int(end))
    except (ValueError, OverflowError):
        raise Invalid(fields={name: "Give a date (2026-11-21) or a moment (2026-11-21T15:04:05Z)."}) from None


def _text(sent: Mapping[str, str], name: str) -> str | None:
    text = sent.get(name, "").strip()
    if len(text) > LONGEST or "\x00" in text:
        raise Invalid(fields={name: f"Give {LONGEST} characters at most."})
    return text or None


def _actions(text: str | None) -> tuple[str, ...] | None:
    """One action, several with commas, or a whole noun (`session.*`)."""
    if text is None:
        return None
    found = []
    for part in text.split(","):
        known = [a.value for a in Action if a.value == part or part == a.value.partition(".")[0] + ".*"]
        if not known:
            raise Invalid(fields={"action": f"{part[:60]!r} does not stand in the vocabulary (/api/v1/audit/actions)."})
        found += known
    return tuple(sorted(set(found)))


def _one_of(text: str | None, name: str, known: tuple[str, ...]) -> str | None:
    if text is not None and text not in known:
        raise Invalid(fields={name: f"Choose from {', '.join(known)}."})
    return text


def _id(text: str | None, name: str) -> UUID | None:
    found = parse_id(text)
    if text is not None and found is None:
        raise Invalid(fields={name: "Give an id."})
    return found


def _status(text: str | None) -> tuple[int, int] | None:
    """`404` or a class such as `4xx`."""
    if text is None:
        return None
    if len(text) == 3 and text[0] in "12345" and text[1:].lower() == "xx":
        return int(text[0]) * 100, int(text[0]) * 100 + 99
    if len(text) == 3 and text.isascii() and text.isdigit():
        return int(text), int(text)
    raise Invalid(fields={"status": "Give a status such as 404 or a class such as 4xx."})


def _told(chosen: EventFilter | AccessFilter) -> dict[str, str]:
    told = {}
    for field in fields(chosen):
        value = getattr(chosen, field.name)
        if value is not None:
            told[field.name] = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return told
