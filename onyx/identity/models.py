"""A tenant's people, what they may do and where they are signed in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from onyx.core.clock import now
from onyx.core.db import Base, Owned
from onyx.core.ids import uuid7


class User(Base):
    """A person of the tenant; e-mail and status are the admin's, the profile is the person's own."""

    __tablename__ = "app_user"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    email: Mapped[str]
    email_digest: Mapped[bytes]
    status: Mapped[str] = mapped_column(default="active")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    profile: Mapped["Profile"] = relationship(lazy="joined", innerjoin=True, passive_deletes=True)
    roles: Mapped[list["UserRole"]] = relationship(lazy="selectin", passive_deletes=True)


class Profile(Owned, Base):
    __tablename__ = "profile"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    display_name: Mapped[str]
    preferences: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    last_login_at: Mapped[datetime | None]


class Credential(Base):
    """A password's hash, seen by purpose `auth` alone."""

    __tablename__ = "credential"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    password_hash: Mapped[str]
    # Set here, not by the server: an INSERT … RETURNING would need the right to read what only `auth` may read.
    changed_at: Mapped[datetime] = mapped_column(default=now)


class CustomRole(Base):
    """A role that the tenant made for itself; people hold it by its key, which never changes."""

    __tablename__ = "role"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    key: Mapped[str]
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class UserRole(Owned, Base):
    """A role that somebody holds, for ever or until `expires_at`; `custom` is None for a built-in one."""

    __tablename__ = "user_role"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    granted_by: Mapped[UUID | None]
    granted_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    custom: Mapped[CustomRole | None] = relationship(
        primaryjoin=lambda: foreign(UserRole.role) == CustomRole.key, viewonly=True, lazy="joined", uselist=False
    )


class LoginSession(Owned, Base):
    """One sign-in on one device: LOGIN → active → expired / logout / revoked, with the reason (S2)."""

    __tablename__ = "login_session"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    token_digest: Mapped[bytes]
    previous_digest: Mapped[bytes | None]
    rotated_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(default="active")
    end_reason: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    idle_seconds: Mapped[int]
    expires_at: Mapped[datetime]
    remember: Mapped[bool] = mapped_column(default=False)
    ip: Mapped[str | None]
    user_agent: Mapped[str | None]
    device: Mapped[str | None]
    current_chat: Mapped[UUID | None]


class Invitation(Base):
    """An open invitation: who may become whom, once, until when."""

    __tablename__ = "invitation"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    email: Mapped[str]
    email_digest: Mapped[bytes]
    display_name: Mapped[str] = mapped_column(default="")
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    token_digest: Mapped[bytes]
    invited_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    mail_due_at: Mapped[datetime | None] = mapped_column(default=None)
    mail_attempts: Mapped[int] = mapped_column(default=0)
