"""Everything that can stand in the trail, alphabetical: `noun.verb-past`, each with its sentence.

The sentence is what an auditor reads; {actor} and {target} are filled in. Names and meaning never change; a new
shape of an event gets a new version.
"""

from enum import StrEnum


class Action(StrEnum):
    """The closed vocabulary. An event outside it cannot be written."""

    ACCESS_DENIED = "access.denied"
    ACCESS_LOG_VIEWED = "access_log.viewed"
    AUDIT_LOG_VIEWED = "audit_log.viewed"
    CHAT_CREATED = "chat.created"
    CHAT_DELETED = "chat.deleted"
    CHAT_EXPORTED = "chat.exported"
    CHAT_RENAMED = "chat.renamed"
    FILE_DELETED = "file.deleted"
    FILE_UPLOADED = "file.uploaded"
    JOB_FAILED = "job.failed"
    JOB_STARTED = "job.started"
    MESSAGE_SENT = "message.sent"
    PASSWORD_CHANGED = "password.changed"
    PASSWORD_RESET = "password.reset"
    PROFILE_CHANGED = "profile.changed"
    PROJECT_CREATED = "project.created"
    PROJECT_DELETED = "project.deleted"
    PROJECT_RENAMED = "project.renamed"
    REPLY_RETRIED = "reply.retried"
    REPLY_STOPPED = "reply.stopped"
    ROLES_CHANGED = "roles.changed"
    SESSION_CREATED = "session.created"
    SESSION_ENDED = "session.ended"
    SESSION_EXPIRED = "session.expired"
    SESSION_REVOKED = "session.revoked"
    SESSION_ROTATED = "session.rotated"
    SIGN_IN_BLOCKED = "sign_in.blocked"
    SIGN_IN_FAILED = "sign_in.failed"
    TENANT_CHANGED = "tenant.changed"
    TENANT_CREATED = "tenant.created"
    TENANT_RESUMED = "tenant.resumed"
    TENANT_SUSPENDED = "tenant.suspended"
    USER_CHANGED = "user.changed"
    USER_CREATED = "user.created"
    USER_DELETED = "user.deleted"
    USER_REACTIVATED = "user.reactivated"
    USER_SUSPENDED = "user.suspended"


SENTENCES: dict[Action, str] = {
    Action.ACCESS_DENIED: "{actor} was refused {target}",
    Action.ACCESS_LOG_VIEWED: "{actor} looked at the access log",
    Action.AUDIT_LOG_VIEWED: "{actor} looked at the audit log",
    Action.CHAT_CREATED: "{actor} began a chat",
    Action.CHAT_DELETED: "{actor} deleted a chat",
    Action.CHAT_EXPORTED: "{actor} exported a chat",
    Action.CHAT_RENAMED: "{actor} renamed a chat",
    Action.FILE_DELETED: "{actor} deleted a file",
    Action.FILE_UPLOADED: "{actor} uploaded a file",
    Action.JOB_FAILED: "the job {target} failed",
    Action.JOB_STARTED: "{actor} started the job {target}",
    Action.MESSAGE_SENT: "{actor} sent a message",
    Action.PASSWORD_CHANGED: "{actor} changed their password",
    Action.PASSWORD_RESET: "{actor} set a new password for {target}",
    Action.PROFILE_CHANGED: "{actor} changed their profile",
    Action.PROJECT_CREATED: "{actor} created a project",
    Action.PROJECT_DELETED: "{actor} deleted a project",
    Action.PROJECT_RENAMED: "{actor} renamed a project",
    Action.REPLY_RETRIED: "{actor} asked for an answer again",
    Action.REPLY_STOPPED: "{actor} stopped an answer",
    Action.ROLES_CHANGED: "{actor} changed the roles of {target}",
    Action.SESSION_CREATED: "{actor} signed in",
    Action.SESSION_ENDED: "{actor} signed out",
    Action.SESSION_EXPIRED: "the login session of {target} ran out",
    Action.SESSION_REVOKED: "{actor} ended a login session of {target}",
    Action.SESSION_ROTATED: "{actor} renewed a login session",
    Action.SIGN_IN_BLOCKED: "sign-in to {target} was blocked after too many failures",
    Action.SIGN_IN_FAILED: "a sign-in to {target} failed",
    Action.TENANT_CHANGED: "{actor} changed the settings of {target}",
    Action.TENANT_CREATED: "{actor} created the organisation {target}",
    Action.TENANT_RESUMED: "{actor} resumed the organisation {target}",
    Action.TENANT_SUSPENDED: "{actor} suspended the organisation {target}",
    Action.USER_CHANGED: "{actor} changed {target}",
    Action.USER_CREATED: "{actor} created {target}",
    Action.USER_DELETED: "{actor} deleted {target}",
    Action.USER_REACTIVATED: "{actor} reactivated {target}",
    Action.USER_SUSPENDED: "{actor} suspended {target}",
}
