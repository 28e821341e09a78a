"""The whole policy on one screen (I2, I3, T4). What is not here is denied."""

from collections.abc import Collection
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
    PROJECTS_SHARE = "projects:share"
    ROLES_GRANT = "roles:grant"
    ROLES_MANAGE = "roles:manage"
    SCIM_PROVISION = "scim:provision"
    SESSIONS_READ = "sessions:read"
    SESSIONS_REVOKE = "sessions:revoke"
    SETTINGS_MANAGE = "settings:manage"
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
    P.PROJECTS_SHARE: "member",
    P.ROLES_GRANT: "admin",
    P.ROLES_MANAGE: "admin",
    P.SCIM_PROVISION: "admin",
    P.SESSIONS_READ: "admin",
    P.SESSIONS_REVOKE: "admin",
    P.SETTINGS_MANAGE: "admin",
    P.SSO_MANAGE: "admin",
    P.TENANTS_MANAGE: "platform",
    P.TENANTS_READ: "platform",
    P.USERS_MANAGE: "admin",
    P.USERS_READ: "admin",
}

_IS_HERE = {P.OWN_ACCOUNT, P.OWN_SIGN_IN, P.PROFILE_READ}
_CHATS = _IS_HERE | {P.CHAT_USE}
_ADDS = {P.FILES_UPLOAD, P.KEYS_CREATE, P.PROJECTS_SHARE}
_ADMINISTERS = {
    P.USERS_READ, P.USERS_MANAGE, P.ROLES_GRANT, P.ROLES_MANAGE, P.SESSIONS_READ, P.SESSIONS_REVOKE, P.MONITORING_READ,
    P.JOBS_READ, P.JOBS_RUN, P.KEYS_MANAGE, P.SCIM_PROVISION, P.SETTINGS_MANAGE, P.SSO_MANAGE,
}  # fmt: skip

POLICY: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(_CHATS | _ADDS | _ADMINISTERS),
    Role.AUDITOR: frozenset(_IS_HERE | {P.AUDIT_READ, P.KEYS_CREATE}),
    Role.CURATOR: frozenset(_CHATS | _ADDS),
    Role.LIMITED: frozenset(_CHATS),
    Role.PLATFORM_ADMIN: frozenset(_IS_HERE | {P.TENANTS_READ, P.TENANTS_MANAGE, P.KEYS_CREATE} | _ADMINISTERS),
    Role.USER: frozenset(_CHATS | _ADDS),
}

# What no API key may do, whatever its person may: the person's own password, sessions and factors, keys, who vouches
# for people, and what holds for all of them.
NEVER_BY_KEY = frozenset({P.OWN_ACCOUNT, P.OWN_SIGN_IN, P.KEYS_CREATE, P.KEYS_MANAGE, P.SETTINGS_MANAGE, P.SSO_MANAGE})

# All that is left to somebody whose organisation requires a second factor until they have set one up (I6); nothing to
# their API keys.
UNTIL_ENROLLED = frozenset({P.OWN_SIGN_IN.value})

# What every role gives, a tenant's own ones too: one's account, and the way out.
ALWAYS = frozenset.intersection(*POLICY.values())
# What a tenant may put into roles of its own: everything that stays inside the tenant.
# Not who vouches for people: a directory, or the sign-in of another service.
GRANTABLE = frozenset(p for p in P if PURPOSE[p] in ("member", "admin", "auditor")) - {P.SCIM_PROVISION, P.SSO_MANAGE}

# What each permission lets people do, for those who put roles together.
MEANING: dict[Permission, str] = {
    P.AUDIT_READ: "Read the audit trail and the access log",
    P.CHAT_USE: "Chat, and have projects, searches and exports of their own",
    P.FILES_UPLOAD: "Upload files of their own",
    P.JOBS_READ: "See what Onyx does by itself, and how it went",
    P.JOBS_RUN: "Start such a job now",
    P.KEYS_CREATE: "Make API keys that act for oneself",
    P.KEYS_MANAGE: "See everybody's API keys, and revoke them",
    P.MONITORING_READ: "Watch live numbers",
    P.OWN_ACCOUNT: "Have an account: profile, password, own sessions",
    P.OWN_SIGN_IN: "Set up one's own second factor, and sign out",
    P.PROFILE_READ: "Know one's own name and roles",
    P.PROJECTS_SHARE: "Let colleagues read the files of one's own projects",
    P.ROLES_GRANT: "Give and take roles, as far as they hold what is in them",
    P.ROLES_MANAGE: "Make, change and delete the organisation's own roles",
    P.SCIM_PROVISION: "Let a directory bring and remove people",
    P.SESSIONS_READ: "See who is signed in, and since when",
    P.SESSIONS_REVOKE: "Sign others out",
    P.SETTINGS_MANAGE: "Decide how people sign in and from where, and which language model answers",
    P.SSO_MANAGE: "Connect the organisation's own sign-in service",
    P.TENANTS_MANAGE: "Create, change and suspend organisations",
    P.TENANTS_READ: "See the organisations of this installation",
    P.USERS_MANAGE: "Add, change, suspend and delete people",
    P.USERS_READ: "See the people of the organisation",
}

# What each built-in role is for, for those who give it.
ROLE_MEANING: dict[Role, str] = {
    Role.ADMIN: "People, roles, live sessions, settings; no chats or files of others",
    Role.AUDITOR: "Reads the trail and the access log, changes nothing",
    Role.CURATOR: "Chats, files and what teams share",
    Role.LIMITED: "Chats without uploading files",
    Role.PLATFORM_ADMIN: "All organisations of this installation",
    Role.USER: "Chats and files of their own",
}

# Reading the log is held apart from administration: an admin appoints auditors and cannot read what they read.
HELD_APART = frozenset({P.AUDIT_READ.value})
# What administration of a whole tenant is: both people and their roles.
KEEPS_ADMIN = frozenset({P.USERS_MANAGE.value, P.ROLES_GRANT.value})

# A role that reaches across tenants exists in the platform's own tenant and nowhere else.
ONLY_IN_PLATFORM = frozenset({Role.PLATFORM_ADMIN})
PLATFORM_SLUG = "platform"


def roles_for(tenant_slug: str) -> list[Role]:
    """The roles that can be held in a tenant."""
    return [role for role in Role if tenant_slug == PLATFORM_SLUG or role not in ONLY_IN_PLATFORM]


def permissions_of(roles: Collection[str], tenant_slug: str, extra: Collection[str] = ()) -> frozenset[str]:
    """All that somebody with these roles may do in this tenant; unknown roles give nothing.

    `extra` is what roles of the tenant's own give (access/held.py); what such a role may not give is left out.
    """
    known = [role for role in roles_for(tenant_slug) if role in roles]
    given = {p for role in known for p in POLICY[role]}
    own = {p for p in GRANTABLE if p.value in extra}
    return frozenset(p.value for p in (given | own | ALWAYS if own else given))


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
