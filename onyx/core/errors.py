"""What can go wrong, in the words of the domain. The edge alone knows which HTTP status each one is."""


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


class Denied(OnyxError):
    code = "denied"
    message = "You are not allowed to do that."


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


class Unavailable(OnyxError):
    """Something that Onyx needs is away; nothing was changed."""

    code = "unavailable"
    message = "Onyx cannot do that right now. Nothing was lost; try again in a moment."


class ScopeMissing(RuntimeError):
    """Code asked for rows outside any tenant scope: a defect, never an answer to a person."""
