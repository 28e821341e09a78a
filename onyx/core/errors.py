"""What can go wrong, in the words of the domain. The edge alone knows which HTTP status each one is."""

from datetime import datetime

from .clock import rfc3339


class OnyxError(Exception):
    """A refusal that may be told to the person who asked. `code` is stable, `message` is for people."""

    code = "error"
    message = "Something went wrong."

    def __init__(self, message: str | None = None, *, fields: dict[str, str] | None = None) -> None:
        super().__init__(message or self.message)
        self.message = message or self.message
        self.fields = fields


class Invalid(OnyxError):
    """The request cannot be understood or breaks a rule; `fields` says which parts."""

    code = "invalid"
    message = "The request is not valid."


class LinkOver(Invalid):
    """A one-time link that was used, ran out, or was never handed out: all the same."""

    code = "link_over"
    message = "This link was used already or is too old. Ask for a new one."


class TooLarge(OnyxError):
    code = "too_large"
    message = "That is larger than Onyx accepts."


class Unauthenticated(OnyxError):
    """Nobody is signed in, or no longer; `reason` is one of the end reasons of a login session."""

    code = "unauthenticated"
    message = "Sign in to continue."

    def __init__(self, message: str | None = None, *, reason: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason


class WrongCredentials(OnyxError):
    """One answer for an unknown e-mail, a wrong password, a suspended person and an unnamed tenant."""

    code = "wrong_credentials"
    message = "The e-mail or the password is wrong."


class WrongCode(WrongCredentials):
    """The second factor was not shown: the challenge may still hold."""

    code = "wrong_code"
    message = "This code is wrong or was used already."


class ChallengeOver(WrongCredentials):
    """A challenge that ran out, was used, met too many wrong codes, or was never handed out: all the same."""

    code = "challenge_over"
    message = "This took too long, or there were too many tries. Sign in again."


class Denied(OnyxError):
    code = "denied"
    message = "You are not allowed to do that."


class OnlyForATime(Denied):
    """Somebody would give, or come by, for longer what was given to them for a time: until `latest`."""

    code = "only_for_a_time"

    def __init__(self, latest: datetime) -> None:
        super().__init__(f"You hold this yourself until {rfc3339(latest)}, and cannot give or keep it for longer.")


class FactorRequired(Denied):
    """The organisation asks for a second factor, and this person has none yet: they may set one up, nothing else."""

    code = "factor_required"
    message = "Your organisation requires a second factor. Set one up to go on."


class StepUpRequired(Denied):
    """Something dangerous was asked in a login session whose person has not proved lately that it is still them."""

    code = "step_up_required"
    message = "Confirm that it is you, then do it again."


class AddressRefused(Denied):
    """The organisation lets people in from some networks only, and this request came from none of them."""

    code = "address_refused"
    message = "Your organisation does not let people in from this network."


class NotFound(OnyxError):
    """Foreign, deleted and random ids all end here, with the same words."""

    code = "not_found"
    message = "There is nothing here by that name."


class Conflict(OnyxError):
    code = "conflict"
    message = "That does not fit with what is there now."


class TooMany(OnyxError):
    """A limit was passed; `retry_after` is in seconds."""

    code = "too_many"
    message = "That was too often. Try again a little later."

    def __init__(self, message: str | None = None, *, retry_after: int = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QuotaReached(OnyxError):
    """A limit of the whole organisation is reached; `quota` says which one, `limit` how much it is."""

    code = "quota_exceeded"
    quota = ""
    limit = 0


class PeopleQuotaReached(QuotaReached, Conflict):
    """No more people, invitations counted."""

    code = "quota_exceeded"
    quota = "users"

    def __init__(self, limit: int) -> None:
        people = "one person" if limit == 1 else f"{limit} people"
        super().__init__(f"Your organisation may have {people}, open invitations counted, and has them already.")
        self.limit = limit


class StorageQuotaReached(QuotaReached, TooLarge):
    """No more bytes of files."""

    code = "quota_exceeded"
    quota = "storage"

    def __init__(self, limit: int) -> None:
        super().__init__(f"Your organisation may store {in_words(limit)} of files, and this file would be too much.")
        self.limit = limit


class DailyQuotaReached(QuotaReached, TooMany):
    """No more of something until the next day begins (UTC)."""

    code = "quota_exceeded"

    def __init__(self, quota: str, limit: int, retry_after: int) -> None:
        many = "one" if limit == 1 else str(limit)
        what = {"api_calls": "make {} call{} by API key", "messages": "send {} message{}"}[quota]
        what = what.format(many, "" if limit == 1 else "s")
        told = f"Your organisation may {what} a day and has done so. It goes on at midnight UTC."
        super().__init__(told, retry_after=retry_after)
        self.quota, self.limit = quota, limit


class Unavailable(OnyxError):
    """Something that Onyx needs is away; nothing was changed."""

    code = "unavailable"
    message = "Onyx cannot do that right now. Nothing was lost; try again in a moment."


def in_words(size: int) -> str:
    """A number of bytes for people: `1.5 GB`, by thousands."""
    if size < 1000:
        return f"{size} bytes"
    amount, unit = float(size), 0
    while amount >= 1000 and unit < 4:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.1f}".removesuffix(".0") + " " + ("bytes", "kB", "MB", "GB", "TB")[unit]


class ScopeMissing(RuntimeError):
    """Code asked for rows outside any tenant scope: a defect, never an answer to a person."""
