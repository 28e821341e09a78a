"""What an organisation decides for itself, and what the platform decides for it: names, units, bounds, defaults (T10).

Kept as one JSON object in onyx.tenant.settings; what is not there has the default. None means no limit, or none set.
"""

import ipaddress
import re
from typing import Any, Self
from urllib.parse import urlsplit

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from onyx.core.errors import Invalid
from onyx.core.findings import plain
from onyx.core.scope import Scope
from onyx.core.wire import Fixed, run_alone

from .walls import control_plane

_log = structlog.get_logger()
LEAST_PASSWORD, MOST_PASSWORD = 12, 64
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_READ = Fixed("select settings from tenant where id = %s")
# Set by platform admins alone; all else also by the organisation's own administrators (migrations/platform/0014).
PLATFORM_ONLY = frozenset(
    {
        "quota_api_calls_daily",
        "quota_messages_daily",
        "quota_storage_bytes",
        "quota_users",
        "retention_access_least_days",
        "retention_chat_least_days",
    }
)


def _limit(what: str, least: int, most: int = 10**15) -> Any:
    return Field(None, ge=least, le=most, strict=True, description=what)


class TenantSettings(BaseModel):
    """All settings of one organisation, as they are in force."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    email_domains: tuple[str, ...] = Field(
        (), max_length=100, description="Domains of new e-mail addresses; empty: any."
    )
    ip_allow: tuple[str, ...] = Field((), max_length=200, description="Networks (CIDR) to come from; empty: anywhere.")
    model_base_url: str | None = Field(None, max_length=300, description="Address of an OpenAI-compatible service.")
    model_key_sealed: str | None = Field(None, max_length=4000, description="The service's key, sealed; never shown.")
    model_name: str | None = Field(
        None, min_length=1, max_length=120, description="Which model the service is asked for."
    )
    password_banned_words: tuple[str, ...] = Field(
        (), max_length=100, description="Words that no password may contain."
    )
    password_min_length: int = Field(
        LEAST_PASSWORD, ge=LEAST_PASSWORD, le=MOST_PASSWORD, strict=True, description="Characters of a new password."
    )
    quota_api_calls_daily: int | None = _limit("Calls with API keys in a day (UTC).", 0)
    quota_messages_daily: int | None = _limit("Messages that people send in a day (UTC).", 0)
    quota_storage_bytes: int | None = _limit("Bytes of all files together.", 0)
    quota_users: int | None = _limit("People, open invitations counted.", 1)
    remember_days: int | None = _limit("Days for which a device may be remembered.", 0, 365)
    require_mfa: bool = Field(False, strict=True, description="Whether everybody needs a second factor.")
    retention_access_days: int | None = _limit("Days for which the access log is kept.", 1, 36_500)
    retention_access_least_days: int | None = _limit("Days for which it is kept at least.", 1, 36_500)
    retention_chat_days: int | None = _limit("Days after its last message that a chat is kept.", 1, 36_500)
    retention_chat_least_days: int | None = _limit("Days for which it is kept at least.", 1, 36_500)
    session_absolute_seconds: int | None = _limit("Seconds after which a login session ends.", 900, 365 * 86_400)
    session_idle_seconds: int | None = _limit("Seconds without use after which it ends.", 300, 90 * 86_400)
    session_max_concurrent: int | None = _limit("Login sessions of one person at once.", 1, 1000)

    @field_validator("email_domains")
    @classmethod
    def domains(cls, said: tuple[str, ...]) -> tuple[str, ...]:
        found = sorted({bare_domain(domain) for domain in said if domain.strip()})
        for domain in found:
            if not _DOMAIN.fullmatch(domain) or len(domain) > 253:
                raise ValueError(f"{domain[:60]!r} is not a domain like example.org.")
        return tuple(found)

    @field_validator("ip_allow")
    @classmethod
    def networks(cls, said: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_network(one.strip()) for one in said if one.strip()))

    @field_validator("password_banned_words")
    @classmethod
    def words(cls, said: tuple[str, ...]) -> tuple[str, ...]:
        found = sorted({word.strip().lower() for word in said if word.strip()})
        if any(not 3 <= len(word) <= 40 for word in found):
            raise ValueError("Each word has 3 to 40 characters.")
        return tuple(found)

    @field_validator("model_base_url")
    @classmethod
    def address(cls, said: str | None) -> str | None:
        return said and checked_address(said)

    @model_validator(mode="after")
    def fit_together(self) -> Self:
        if self.model_base_url and not self.model_name:
            raise ValueError("model_name: Say which model the service is asked for.")
        for days, least in (("retention_access_days", "retention_access_least_days"),
                            ("retention_chat_days", "retention_chat_least_days")):  # fmt: skip
            if (getattr(self, days) or 10**9) < (getattr(self, least) or 0):
                raise ValueError(f"{days}: The platform asks for {getattr(self, least)} days at least.")
        return self


DEFAULTS = TenantSettings()


def checked(raw: dict[str, Any]) -> TenantSettings:
    """The settings behind names and values. Raises Invalid, which says what is wrong with which."""
    try:
        return TenantSettings.model_validate({name: value for name, value in raw.items() if value is not None})
    except ValidationError as error:
        raise Invalid(fields=dict(_told(one) for one in error.errors(include_input=False))) from None


def of(raw: dict[str, Any]) -> TenantSettings:
    """The settings as they were stored; one that a hand at the database spoilt counts as not set, and is told."""
    try:
        return TenantSettings.model_validate(raw)
    except ValidationError as error:
        spoilt = {_told(one)[0].partition(".")[0] for one in error.errors(include_input=False)}
        _log.error("settings of a tenant are spoilt", names=sorted(spoilt))
        return TenantSettings.model_validate({name: value for name, value in raw.items() if name not in spoilt})


def settings_of(scope: Scope) -> TenantSettings:
    """The settings of the scope's tenant, as they are now."""
    with control_plane(scope) as connection:
        found = run_alone(connection, _READ, (scope.tenant,))
    return of(found[0].settings or {} if found else {})


def bare_domain(domain: str) -> str:
    """A domain in lower case without what people write before it, as it goes over the wire (RFC 5891)."""
    domain = domain.strip().lower().removeprefix("@").rstrip(".")
    try:
        return domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        return domain


def checked_address(said: str) -> str:
    """A service's address without a slash at its end. Raises ValueError."""
    try:
        parts = urlsplit(said.strip())
        right = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) > 0
    except ValueError:
        right = False
    if not right or parts.username or parts.password or parts.query or parts.fragment or not said.isprintable():
        raise ValueError("Give an address like https://models.example.org/v1.")
    return said.strip().rstrip("/")


def _network(said: str) -> str:
    try:
        return str(ipaddress.ip_network(said, strict=False))
    except ValueError:
        raise ValueError(f"{said[:60]!r} is not an address or network like 203.0.113.0/24 or 2001:db8::/32.") from None


def _told(error: Any) -> tuple[str, str]:
    """One finding as the setting's name and what is wrong with it."""
    text = plain(error)
    if error["loc"]:
        return ".".join(map(str, error["loc"])), text
    name, _, why = text.partition(": ")
    return name, why
