"""Which language model answers: the organisation's own, else the operator's, else none (C5)."""

from dataclasses import dataclass, field
from uuid import UUID

import structlog

from config.settings import Settings
from onyx.access.settings import model_key
from onyx.core.scope import Scope
from onyx.tenancy.settings import TenantSettings, settings_of

from .answers import Failed

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenAI-compatible service. `pinned`: somebody else than the operator named it, so that it is looked where its
    name leads; `private` allows what does not lie on the open internet.
    """

    base_url: str
    model: str
    key: str | None = field(repr=False)
    timeout: float
    pinned: bool = False
    private: bool = False


def operators(settings: Settings) -> Provider | None:
    """The one that the operator has set up for everybody."""
    if not settings.llm_base_url:
        return None
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key is not None else None
    return Provider(settings.llm_base_url.rstrip("/"), settings.llm_model, key, settings.llm_timeout)


def own(settings: Settings, tenant: UUID) -> Provider | None:
    """The one that an organisation has set up for itself. Raises Failed when its key cannot be opened."""
    decided = settings_of(Scope(tenant, "auth"))
    try:
        return of(settings, decided, model_key(tenant, decided))
    except ValueError:
        _log.error("the key of an organisation's language model cannot be opened", tenant=str(tenant))
        told = "The key of your organisation's language model cannot be read. An administrator can enter it again."
        raise Failed("provider_key_lost", told) from None


def of(settings: Settings, decided: TenantSettings, key: str | None) -> Provider | None:
    """What an organisation decided, as something that can be asked."""
    if not decided.model_base_url or not decided.model_name:
        return None
    private = settings.llm_private_endpoints
    return Provider(decided.model_base_url, decided.model_name, key, settings.llm_timeout, pinned=True, private=private)
