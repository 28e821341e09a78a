"""The whole policy on one screen (I2, I3, T4). What is not here is denied."""

from enum import StrEnum


class Permission(StrEnum):
    """`resource:action` that may happen; alphabetical."""

    AUDIT_READ = "audit:read"
    CHAT_USE = "chat:use"
    FILES_UPLOAD = "files:upload"
    JOBS_READ = "jobs:read"
    JOBS_RUN = "jobs:run"
    KEYS_CREATE = "keys:create"
    KEYS_MANAGE = "keys:manage"
    MONITORING_READ = "monitoring:read"
    OWN_ACCOUNT = "own:account"
    OWN_SIGN_IN = "own:sign_in"
    PROFILE_READ = "profile:read"
    ROLES_GRANT = "roles:grant"
    SCIM_PROVISION = "scim:provision"
    SESSIONS_READ = "sessions:read"
    SESSIONS_REVOKE = "sessions:revoke"
    SSO_MANAGE = "sso:manage"
    TENANTS_MANAGE = "tenants:manage"
    TENANTS_READ = "tenants:read"
    USERS_MANAGE = "users:manage"
    USERS_READ = "users:read"


class Role(StrEnum):
    """The six roles that every installation has."""

    ADMIN = "admin"
    AUDITOR = "auditor"
    CURATOR = "curator"
    LIMITED = "limited"
    PLATFORM_ADMIN = "platform_admin"
    USER = "user"


P = Permission

PURPOSE: dict[Permission, str] = {
    P.AUDIT_READ: "auditor",
    P.CHAT_USE: "member",
    P.FILES_UPLOAD: "member",
    P.JOBS_READ: "admin",
    P.JOBS_RUN: "admin",
    P.KEYS_CREATE: "member",
    P.KEYS_MANAGE: "admin",
    P.MONITORING_READ: "admin",
    P.OWN_ACCOUNT: "member",
    P.OWN_SIGN_IN: "member",
    P.PROFILE_READ: "member",
    P.ROLES_GRANT: "admin",
    P.SCIM_PROVISION: "admin",
    P.SESSIONS_READ: "admin",
    P.SESSIONS_REVOKE: "admin",
    P.SSO_MANAGE: "admin",
    P.TENANTS_MANAGE: "platform",
    P.TENANTS_READ: "platform",
    P.USERS_MANAGE: "admin",
    P.USERS_READ: "admin",
}

_IS_HERE = {P.OWN_ACCOUNT, P.OWN_SIGN_IN, P.PROFILE_READ}
_CHATS = _IS_HERE | {P.CHAT_USE}
_ADMINISTERS = {
    P.USERS_READ, P.USERS_MANAGE, P.ROLES_GRANT, P.SESSIONS_READ, P.SESSIONS_REVOKE, P.MONITORING_READ,
    P.JOBS_READ, P.JOBS_RUN, P.KEYS_MANAGE, P.SCIM_PROVISION, P.SSO_MANAGE,
}  # fmt: skip

POLICY: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(_CHATS | {P.FILES_UPLOAD, P.KEYS_CREATE} | _ADMINISTERS),
    Role.AUDITOR: frozenset(_IS_HERE | {P.AUDIT_READ, P.KEYS_CREATE}),
    Role.CURATOR: frozenset(_CHATS | {P.FILES_UPLOAD, P.KEYS_CREATE}),
    Role.LIMITED: frozenset(_CHATS),
    Role.PLATFORM_ADMIN: frozenset(_IS_HERE | {P.TENANTS_READ, P.TENANTS_MANAGE, P.KEYS_CREATE} | _ADMINISTERS),
    Role.USER: frozenset(_CHATS | {P.FILES_UPLOAD, P.KEYS_CREATE}),
}

# What no API key may do, whatever its person may: the person's own password, sessions and factors, keys, and who
# vouches for people.
NEVER_BY_KEY = frozenset({P.OWN_ACCOUNT, P.OWN_SIGN_IN, P.KEYS_CREATE, P.KEYS_MANAGE, P.SSO_MANAGE})

# All that is left to somebody whose organisation requires a second factor until they have set one up (I6); nothing to
# their API keys.
UNTIL_ENROLLED = frozenset({P.OWN_SIGN_IN.value})

# A role that reaches across tenants exists in the platform's own tenant and nowhere else.
ONLY_IN_PLATFORM = frozenset({Role.PLATFORM_ADMIN})
PLATFORM_SLUG = "platform"


def roles_for(tenant_slug: str) -> list[Role]:
    """The roles that can be held in a tenant."""
    return [role for role in Role if tenant_slug == PLATFORM_SLUG or role not in ONLY_IN_PLATFORM]


def permissions_of(roles: list[str] | tuple[str, ...], tenant_slug: str) -> frozenset[str]:
    """All that somebody with these roles may do in this tenant; unknown roles give nothing."""
    known = [role for role in roles_for(tenant_slug) if role in roles]
    return frozenset(p.value for role in known for p in POLICY[role])


def permissions_of_key(scopes: frozenset[str], person: frozenset[str]) -> frozenset[str]:
    """What a key allows at this moment: its scopes, as far as its person may do so now (I8).

    Every key may say whose it is.
    """
    return ((scopes | {P.PROFILE_READ.value}) & person) - NEVER_BY_KEY


def landing(permissions: frozenset[str]) -> str:
    """The page on which somebody with these permissions begins (U1)."""
    for permission, path in (
        (P.TENANTS_READ, "/platform/"),
        (P.USERS_READ, "/admin/"),
        (P.CHAT_USE, "/"),
        (P.AUDIT_READ, "/audit/"),
    ):
        if permission in permissions:
            return path
    return "/settings"
