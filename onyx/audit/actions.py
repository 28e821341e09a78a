"""Everything that can stand in the trail, alphabetical: `noun.verb-past`, each with its sentence.

The sentence is what an auditor reads; {actor} and {target} are filled in. Names and meaning never change; a new
shape of an event gets a new version.
"""

from enum import StrEnum


class Action(StrEnum):
    """The closed vocabulary. An event outside it cannot be written."""

    ACCESS_DENIED = "access.denied"
    ACCESS_LOG_ARCHIVED = "access_log.archived"
    ACCESS_LOG_VIEWED = "access_log.viewed"
    API_KEY_CREATED = "api_key.created"
    API_KEY_EXPIRED = "api_key.expired"
    API_KEY_REFUSED = "api_key.refused"
    API_KEY_REVOKED = "api_key.revoked"
    AUDITOR_APPOINTED = "auditor.appointed"
    AUDIT_LOG_VIEWED = "audit_log.viewed"
    AVATAR_CHANGED = "avatar.changed"
    AVATAR_REMOVED = "avatar.removed"
    BACKUP_ASKED = "backup.asked"
    BACKUP_CREATED = "backup.created"
    BACKUP_DRILLED = "backup.drilled"
    CHATS_REMOVED = "chats.removed"
    CHATS_RESTORED = "chats.restored"
    CHATS_SUSPENDED = "chats.suspended"
    CHAT_CREATED = "chat.created"
    CHAT_DELETED = "chat.deleted"
    CHAT_EXPORTED = "chat.exported"
    CHAT_MOVED = "chat.moved"
    CHAT_RENAMED = "chat.renamed"
    ERASURE_CERTIFIED = "erasure.certified"
    EXPORT_ASKED = "export.asked"
    EXPORT_DOWNLOADED = "export.downloaded"
    FACTOR_ADDED = "factor.added"
    FACTOR_BEGUN = "factor.begun"
    FACTOR_REMOVED = "factor.removed"
    FILE_DELETED = "file.deleted"
    FILE_OPENED = "file.opened"
    FILE_UPLOADED = "file.uploaded"
    GROUP_CHANGED = "group.changed"
    GROUP_CREATED = "group.created"
    GROUP_DELETED = "group.deleted"
    IDENTITY_LINKED = "identity.linked"
    IMPORT_ASKED = "import.asked"
    IMPORT_RECEIVED = "import.received"
    INVITATION_CREATED = "invitation.created"
    INVITATION_REDEEMED = "invitation.redeemed"
    INVITATION_WITHDRAWN = "invitation.withdrawn"
    ISOLATION_CHECKED = "isolation.checked"
    ISOLATION_CHECK_ASKED = "isolation_check.asked"
    JOB_FAILED = "job.failed"
    JOB_STARTED = "job.started"
    KEYS_ROTATED = "keys.rotated"
    LEGAL_HOLD_BEGUN = "legal_hold.begun"
    LEGAL_HOLD_ENDED = "legal_hold.ended"
    LOG_ARCHIVE_READ = "log_archive.read"
    MAIL_FAILED = "mail.failed"
    MAIL_SENT = "mail.sent"
    MASTER_KEY_ABANDONED = "master_key.abandoned"
    MASTER_KEY_ROTATED = "master_key.rotated"
    MESSAGE_SENT = "message.sent"
    MIGRATION_STARTED = "migration.started"
    MODEL_TESTED = "model.tested"
    PASSWORD_CHANGED = "password.changed"
    PASSWORD_RESET = "password.reset"
    PEOPLE_EXPORTED = "people.exported"
    PEOPLE_IMPORTED = "people.imported"
    PERSONAL_DATA_EXPORTED = "personal_data.exported"
    PROFILE_CHANGED = "profile.changed"
    PROJECT_CREATED = "project.created"
    PROJECT_DELETED = "project.deleted"
    PROJECT_RENAMED = "project.renamed"
    PROJECT_SHARED = "project.shared"
    PROJECT_TRANSFERRED = "project.transferred"
    PROJECT_UNSHARED = "project.unshared"
    QUOTA_REACHED = "quota.reached"
    RECOVERY_CODE_RENEWED = "recovery_code.renewed"
    RECOVERY_CODE_USED = "recovery_code.used"
    REPLY_RETRIED = "reply.retried"
    REPLY_STOPPED = "reply.stopped"
    RESET_LINK_ASKED = "reset_link.asked"
    RESET_LINK_MADE = "reset_link.made"
    RESTORE_ASKED = "restore.asked"
    RESTORE_BEGUN = "restore.begun"
    ROLES_CHANGED = "roles.changed"
    ROLES_EXPIRED = "roles.expired"
    ROLE_CHANGED = "role.changed"
    ROLE_CREATED = "role.created"
    ROLE_DELETED = "role.deleted"
    SEALS_RENEWED = "seals.renewed"
    SESSION_CREATED = "session.created"
    SESSION_ENDED = "session.ended"
    SESSION_EXPIRED = "session.expired"
    SESSION_POLICY_CHANGED = "session_policy.changed"
    SESSION_REVOKED = "session.revoked"
    SESSION_ROTATED = "session.rotated"
    SESSION_SWITCHED = "session.switched"
    SETTINGS_CHANGED = "settings.changed"
    SIGNING_KEY_RENEWED = "signing_key.renewed"
    SIGN_IN_BLOCKED = "sign_in.blocked"
    SIGN_IN_CHALLENGED = "sign_in.challenged"
    SIGN_IN_FAILED = "sign_in.failed"
    SIGN_IN_POLICY_CHANGED = "sign_in_policy.changed"
    SIGN_IN_UNLOCKED = "sign_in.unlocked"
    SSO_CHANGED = "sso.changed"
    SSO_REMOVED = "sso.removed"
    STEP_UP_CONFIRMED = "step_up.confirmed"
    STEP_UP_FAILED = "step_up.failed"
    TENANT_ARCHIVED = "tenant.archived"
    TENANT_CHANGED = "tenant.changed"
    TENANT_CREATED = "tenant.created"
    TENANT_DELETED = "tenant.deleted"
    TENANT_DELETION_CANCELLED = "tenant_deletion.cancelled"
    TENANT_DELETION_CONFIRMED = "tenant_deletion.confirmed"
    TENANT_DELETION_REQUESTED = "tenant_deletion.requested"
    TENANT_EXPORTED = "tenant.exported"
    TENANT_MOVED = "tenant.moved"
    TENANT_RESTORED = "tenant.restored"
    TENANT_RESUMED = "tenant.resumed"
    TENANT_SUSPENDED = "tenant.suspended"
    TEST_MAIL_ASKED = "test_mail.asked"
    USER_CHANGED = "user.changed"
    USER_CREATED = "user.created"
    USER_DELETED = "user.deleted"
    USER_ERASED = "user.erased"
    USER_REACTIVATED = "user.reactivated"
    USER_SUSPENDED = "user.suspended"


SENTENCES: dict[Action, str] = {
    Action.ACCESS_DENIED: "{actor} was refused {target}",
    Action.ACCESS_LOG_ARCHIVED: "a month of the access log, {target}, was archived and dropped",
    Action.ACCESS_LOG_VIEWED: "{actor} looked at the access log",
    Action.API_KEY_CREATED: "{actor} created the API key {target}",
    Action.API_KEY_EXPIRED: "the API key {target} ran out",
    Action.API_KEY_REFUSED: "the revoked API key {target} was used",
    Action.API_KEY_REVOKED: "{actor} revoked the API key {target}",
    Action.AUDITOR_APPOINTED: "{actor} let {target} read the trail, as auditor",
    Action.AUDIT_LOG_VIEWED: "{actor} looked at the audit log",
    Action.AVATAR_CHANGED: "{actor} changed their picture",
    Action.AVATAR_REMOVED: "{actor} removed their picture",
    Action.BACKUP_ASKED: "{actor} asked for a backup of {target}",
    Action.BACKUP_CREATED: "a backup of {target} was made",
    Action.BACKUP_DRILLED: "it was tried whether a backup of {target} can be restored",
    Action.CHATS_REMOVED: "chats beyond the organisation's retention were deleted",
    Action.CHATS_RESTORED: "chats that had been set aside came back",
    Action.CHATS_SUSPENDED: "chats beyond the organisation's retention were set aside",
    Action.CHAT_CREATED: "{actor} began a chat",
    Action.CHAT_DELETED: "{actor} deleted a chat",
    Action.CHAT_EXPORTED: "{actor} exported a chat",
    Action.CHAT_MOVED: "{actor} moved a chat into another project",
    Action.CHAT_RENAMED: "{actor} renamed a chat",
    Action.ERASURE_CERTIFIED: "the key of somebody who was erased was destroyed and a certificate made",
    Action.EXPORT_ASKED: "{actor} asked for an export of {target}",
    Action.EXPORT_DOWNLOADED: "{actor} downloaded an export of {target}",
    Action.FACTOR_ADDED: "{actor} added a second factor",
    Action.FACTOR_BEGUN: "{actor} began to set up a second factor",
    Action.FACTOR_REMOVED: "{actor} removed a second factor of {target}",
    Action.FILE_DELETED: "{actor} deleted a file",
    Action.FILE_OPENED: "{actor} opened a file that somebody shared",
    Action.FILE_UPLOADED: "{actor} uploaded a file",
    Action.GROUP_CHANGED: "{actor} changed the group {target}",
    Action.GROUP_CREATED: "{actor} created the group {target}",
    Action.GROUP_DELETED: "{actor} deleted the group {target}",
    Action.IDENTITY_LINKED: "{target} was connected with an account at the organisation's sign-in service",
    Action.IMPORT_ASKED: "{actor} asked that an archive become the organisation {target}",
    Action.IMPORT_RECEIVED: "{actor} uploaded an archive of the organisation {target}",
    Action.INVITATION_CREATED: "{actor} invited {target}",
    Action.INVITATION_REDEEMED: "{actor} accepted an invitation",
    Action.INVITATION_WITHDRAWN: "{actor} withdrew the invitation of {target}",
    Action.ISOLATION_CHECKED: "the isolation of the organisation was checked",
    Action.ISOLATION_CHECK_ASKED: "{actor} asked for a check of the isolation of {target}",
    Action.JOB_FAILED: "the job {target} failed",
    Action.JOB_STARTED: "{actor} started the job {target}",
    Action.KEYS_ROTATED: "{actor} gave {target} and its people new keys",
    Action.LEGAL_HOLD_BEGUN: "{actor} put a legal hold on {target}",
    Action.LEGAL_HOLD_ENDED: "{actor} lifted the legal hold on {target}",
    Action.LOG_ARCHIVE_READ: "{actor} read the archived access log {target}",
    Action.MAIL_FAILED: "a mail to {target} could not be sent",
    Action.MAIL_SENT: "a mail was sent to {target}",
    Action.MASTER_KEY_ABANDONED: "{actor} gave up the lost master key with all that it opened",
    Action.MASTER_KEY_ROTATED: "{actor} replaced the master key",
    Action.MESSAGE_SENT: "{actor} sent a message",
    Action.MIGRATION_STARTED: "{actor} had {target} brought to this version",
    Action.MODEL_TESTED: "{actor} tried whether the language model of {target} answers",
    Action.PASSWORD_CHANGED: "{actor} changed their password",
    Action.PASSWORD_RESET: "{actor} set a new password for {target}",
    Action.PEOPLE_EXPORTED: "{actor} exported the list of people",
    Action.PEOPLE_IMPORTED: "{actor} imported people from a file",
    Action.PERSONAL_DATA_EXPORTED: "{actor} downloaded everything that is kept about them",
    Action.PROFILE_CHANGED: "{actor} changed their profile",
    Action.PROJECT_CREATED: "{actor} created a project",
    Action.PROJECT_DELETED: "{actor} deleted a project",
    Action.PROJECT_RENAMED: "{actor} renamed a project",
    Action.PROJECT_SHARED: "{actor} let {target} read the files of a project",
    Action.PROJECT_TRANSFERRED: "{actor} gave a project to {target}",
    Action.PROJECT_UNSHARED: "{actor} ended the reading of a project by {target}",
    Action.QUOTA_REACHED: "the organisation reached its limit of {target}",
    Action.RECOVERY_CODE_RENEWED: "{actor} made new recovery codes",
    Action.RECOVERY_CODE_USED: "{actor} used up a recovery code",
    Action.REPLY_RETRIED: "{actor} asked for an answer again",
    Action.REPLY_STOPPED: "{actor} stopped an answer",
    Action.RESET_LINK_ASKED: "{actor} asked for a link that sets a new password of {target}",
    Action.RESET_LINK_MADE: "{actor} made a link that sets a new password of {target}",
    Action.RESTORE_ASKED: "{actor} asked that {target} be restored from a backup",
    Action.RESTORE_BEGUN: "the restore of {target} on another database machine was begun",
    Action.ROLES_CHANGED: "{actor} changed the roles of {target}",
    Action.ROLES_EXPIRED: "roles of {target} ended at their time",
    Action.ROLE_CHANGED: "{actor} changed the role {target}",
    Action.ROLE_CREATED: "{actor} made the role {target}",
    Action.ROLE_DELETED: "{actor} deleted the role {target}",
    Action.SEALS_RENEWED: "{actor} sealed stored secrets and files of {target} anew",
    Action.SESSION_CREATED: "{actor} signed in",
    Action.SESSION_ENDED: "{actor} signed out",
    Action.SESSION_EXPIRED: "the login session of {target} ran out",
    Action.SESSION_POLICY_CHANGED: "{actor} changed how long sessions last in {target}",
    Action.SESSION_REVOKED: "{actor} ended a login session of {target}",
    Action.SESSION_ROTATED: "{actor} renewed a login session",
    Action.SESSION_SWITCHED: "{actor} came back from another organisation",
    Action.SETTINGS_CHANGED: "{actor} changed the settings of {target}",
    Action.SIGNING_KEY_RENEWED: "{actor} made a new key for signing",
    Action.SIGN_IN_BLOCKED: "sign-in to {target} was blocked after too many failures",
    Action.SIGN_IN_CHALLENGED: "{actor} gave the right password and was asked for the second factor",
    Action.SIGN_IN_FAILED: "a sign-in to {target} failed",
    Action.SIGN_IN_POLICY_CHANGED: "{actor} changed who needs a second factor in {target}",
    Action.SIGN_IN_UNLOCKED: "{actor} let {target} sign in again after too many failures",
    Action.SSO_CHANGED: "{actor} set up single sign-on with {target}",
    Action.SSO_REMOVED: "{actor} removed single sign-on with {target}",
    Action.STEP_UP_CONFIRMED: "{actor} confirmed that it is them",
    Action.STEP_UP_FAILED: "{actor} failed to confirm that it is them",
    Action.TENANT_ARCHIVED: "{actor} archived the organisation {target}",
    Action.TENANT_CHANGED: "{actor} changed the name of {target}",
    Action.TENANT_CREATED: "{actor} created the organisation {target}",
    Action.TENANT_DELETED: "the organisation {target} was deleted with all that it had",
    Action.TENANT_DELETION_CANCELLED: "{actor} took back the deletion of the organisation {target}",
    Action.TENANT_DELETION_CONFIRMED: "{actor} confirmed that the organisation {target} be deleted",
    Action.TENANT_DELETION_REQUESTED: "{actor} asked that the organisation {target} be deleted",
    Action.TENANT_EXPORTED: "{actor} exported the organisation {target}",
    Action.TENANT_MOVED: "{actor} moved the organisation {target} to another database machine",
    Action.TENANT_RESTORED: "{actor} restored the organisation {target} from an archive",
    Action.TENANT_RESUMED: "{actor} resumed the organisation {target}",
    Action.TENANT_SUSPENDED: "{actor} suspended the organisation {target}",
    Action.TEST_MAIL_ASKED: "{actor} had a test mail sent to themselves",
    Action.USER_CHANGED: "{actor} changed {target}",
    Action.USER_CREATED: "{actor} created {target}",
    Action.USER_DELETED: "{actor} deleted {target}",
    Action.USER_ERASED: "{actor} erased {target}",
    Action.USER_REACTIVATED: "{actor} reactivated {target}",
    Action.USER_SUSPENDED: "{actor} suspended {target}",
}
