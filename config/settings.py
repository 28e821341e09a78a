"""The environment, read once: frozen, typed, and loud about a wrong value (STYLE 19)."""

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class BadSettings(SystemExit):
    """Raised at start; the message names each setting that is wrong."""


class Settings(BaseSettings):
    """What the operator decides. Each field is the lower-case name of its environment variable."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: str
    database_owner_url: str | None = None
    database_nodes: str | None = Field(None, repr=False)
    database_owner_nodes: str | None = Field(None, repr=False)
    redis_url: str
    redis_rq_url: str | None = None
    redis_socketio_url: str | None = None
    redis_limits_url: str | None = None
    redis_cache_url: str | None = None
    onyx_secret_key: SecretStr
    onyx_master_key: SecretStr
    onyx_master_key_previous: SecretStr | None = None
    onyx_var: Path = ROOT / "var"
    api_host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535, validation_alias=AliasChoices("PORT", "API_PORT"))
    web_processes: int = Field(1, ge=1, le=64)
    public_url: str | None = None
    trusted_proxies: int = Field(0, ge=0, le=10)
    database_pooled: bool = False
    llm_base_url: str | None = None
    llm_api_key: SecretStr | None = None
    llm_model: str = "default"
    llm_timeout: float = Field(60, gt=0, le=600)
    llm_private_endpoints: bool = False
    session_idle_seconds: int = Field(86_400, ge=60)
    session_absolute_seconds: int = Field(7 * 86_400, ge=60)
    session_ttl: int = Field(3_600_000, ge=1_000)
    session_max_sessions: int = Field(100, ge=1)
    session_persistence_enabled: bool = True
    storage_database_type: str = "postgresql"
    smtp_url: SecretStr | None = None
    smtp_from: str | None = None
    sso_private_issuers: bool = False
    upload_limit: int = Field(5 * 1024 * 1024, ge=1024)
    physical_backup_days: int = Field(30, ge=0, le=3650)
    rate_limits: bool = True
    backup_hours: int = Field(24, ge=0)
    backups_kept: int = Field(7, ge=1)
    parcel_hours: int = Field(24, ge=1, le=24 * 30)
    import_limit: int = Field(10 * 1024**3, ge=1024)
    tenants_prepared: int = Field(3, ge=0, le=100)
    tenant_requests_per_minute: int = Field(60_000, ge=60)
    tenant_deletion_wait_hours: int = Field(0, ge=0, le=24 * 90)

    @field_validator("onyx_secret_key")
    @classmethod
    def long_enough(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < 32:
            raise ValueError("must have at least 32 characters")
        return value

    @field_validator("onyx_master_key", "onyx_master_key_previous")
    @classmethod
    def a_key_of_32_bytes(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and _length_of_key(value.get_secret_value()) != 32:
            raise ValueError("must be 32 bytes in base64; make one with: openssl rand -base64 32")
        return value

    @field_validator("database_nodes", "database_owner_nodes")
    @classmethod
    def named_addresses(cls, value: str | None) -> str | None:
        nodes_of(value)
        return value

    @field_validator("smtp_url")
    @classmethod
    def a_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("smtp://", "smtps://")):
            raise ValueError("must be smtp://[user:password@]host[:port] or smtps://…")
        return value

    @model_validator(mode="after")
    def mail_has_a_sender(self) -> Self:
        if self.smtp_url is not None and not self.smtp_from:
            raise ValueError("SMTP_FROM: say from which address Onyx sends mail")
        return self

    @model_validator(mode="after")
    def only_what_onyx_is(self) -> Self:
        if self.storage_database_type.lower() not in ("postgresql", "postgres"):
            raise ValueError(
                "STORAGE_DATABASE_TYPE: Onyx keeps everything in PostgreSQL; remove the setting, and bring older "
                "conversations over with the import"
            )
        if not self.session_persistence_enabled:
            raise ValueError("SESSION_PERSISTENCE_ENABLED: Onyx always stores chats; remove the setting")
        return self

    @property
    def master_keys(self) -> tuple[str, str | None]:
        """The master key, and the one that it replaces, if any."""
        previous = self.onyx_master_key_previous
        return self.onyx_master_key.get_secret_value(), previous.get_secret_value() if previous else None

    @property
    def secure_cookies(self) -> bool:
        """Cookies are marked Secure when people reach Onyx over TLS."""
        return (self.public_url or "").startswith("https://")

    @property
    def sends_mail(self) -> bool:
        return self.smtp_url is not None

    @property
    def base_url(self) -> str:
        """Where people reach Onyx, without a slash at the end; links in mails begin with it."""
        return (self.public_url or f"http://{self.api_host}:{self.port}").rstrip("/")


def nodes_of(text: str | None) -> dict[str, str]:
    """`two=postgresql://… three=postgresql://…` as name → URL. Raises ValueError."""
    found = {}
    for part in (text or "").split():
        name, _, url = part.partition("=")
        if not name.isidentifier() or name == "main" or not url.startswith("postgresql://"):
            raise ValueError(
                "must be NAME=postgresql://… for each further node, with spaces between; `main` is DATABASE_URL"
            )
        found[name] = url
    return found


def data_folder() -> Path:
    """Where Onyx keeps its data (ONYX_VAR); known before the settings, since it may hold their defaults."""
    return Path(os.environ.get("ONYX_VAR") or ROOT / "var")


def load(defaults: Mapping[str, str] | None = None) -> Settings:
    """Read the environment over `defaults`; `NAME_FILE` gives the value of `NAME` from a file."""
    merged = {**(defaults or {}), **_from_files()}
    given = {name.lower(): value for name, value in merged.items() if name not in os.environ or name in _from_files()}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, e['loc'])).upper() or 'settings'}: {e['msg']}" for e in error.errors()]
        raise BadSettings("Onyx cannot start, these settings are wrong:\n" + "\n".join(lines)) from None


def _length_of_key(text: str) -> int:
    try:
        return len(base64.b64decode(text.strip(), validate=True))
    except ValueError:
        return 0


def _from_files() -> dict[str, str]:
    found = {}
    for name, path in os.environ.items():
        wanted = name.removesuffix("_FILE")
        if name.endswith("_FILE") and wanted.lower() in Settings.model_fields:
            found[wanted] = Path(path).read_text().strip()
    return found
