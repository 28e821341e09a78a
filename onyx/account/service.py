"""Changes that a person makes to their own account."""

from sqlalchemy.orm import Session

from onyx.access.ending import end_keys_of
from onyx.access.lifecycle import erase_oneself
from onyx.access.new_password import hashed, set_password
from onyx.audit.actions import Action
from onyx.audit.record import change, record, target
from onyx.core.actor import Actor
from onyx.core.errors import Invalid
from onyx.core.scope import current_scope
from onyx.identity import avatars, changes, passwords
from onyx.identity.models import Credential, Profile, User

from .forms import MOST_PREFERENCES, ProfileChange


def change_profile(session: Session, actor: Actor, wanted: ProfileChange) -> Profile:
    """Change display name and preferences; preferences are merged key by key, None removes one. Raises Invalid."""
    assert actor.user_id is not None
    profile = session.get_one(Profile, actor.user_id)
    told = []
    if wanted.display_name is not None and wanted.display_name != profile.display_name:
        told.append(change("display_name", profile.display_name, wanted.display_name))
        profile.display_name = wanted.display_name
    if wanted.preferences is not None:
        merged = {**profile.preferences, **wanted.preferences}
        merged = {name: value for name, value in merged.items() if value is not None}
        if len(repr(merged)) > MOST_PREFERENCES:
            raise Invalid(
                fields={"preferences": f"may hold {MOST_PREFERENCES} characters at most, with what is there."}
            )
        if merged != profile.preferences:
            told.append(change("preferences", profile.preferences, merged))
            profile.preferences = merged
    if told:
        record(session, actor, Action.PROFILE_CHANGED, target("user", actor.user_id, actor.email), changes=told)
        changes.person_changed(session, actor.tenant_id, actor.user_id, "profile")
    return profile


def change_picture(session: Session, actor: Actor, media_type: str, content: bytes) -> str:
    """Show this picture from now on; returns its version, which preferences carry as `avatar`."""
    assert actor.user_id is not None
    version = avatars.put(session, actor.user_id, media_type, content)
    _show_picture(session, actor, Action.AVATAR_CHANGED, version)
    return version


def remove_picture(session: Session, actor: Actor) -> bool:
    """Show no picture any more; whether there was one."""
    assert actor.user_id is not None
    if not avatars.remove(session, actor.user_id):
        return False
    _show_picture(session, actor, Action.AVATAR_REMOVED, None)
    return True


def _show_picture(session: Session, actor: Actor, action: Action, version: str | None) -> None:
    assert actor.user_id is not None
    profile = session.get_one(Profile, actor.user_id)
    others = {name: value for name, value in profile.preferences.items() if name != avatars.PREFERENCE}
    profile.preferences = {**others, **({avatars.PREFERENCE: version} if version else {})}
    record(session, actor, action, target("user", actor.user_id, actor.email))
    changes.person_changed(session, actor.tenant_id, actor.user_id, "profile")


def change_password(
    session: Session, actor: Actor, current: str, new: str, revoke_keys: bool = False
) -> tuple[int, int]:
    """Set a new password; purpose `auth`. Returns how many other sessions ended, and how many API keys, if wished.

    Raises Invalid when the current one is wrong, or the new one is too weak or the same.
    """
    assert actor.user_id is not None
    credential = session.get_one(Credential, actor.user_id, with_for_update=True)  # not one that is being replaced
    if not passwords.verify(credential.password_hash, current):
        raise Invalid("The current password is wrong.", fields={"current": "This is not your current password."})
    if new == current:
        raise Invalid("The new password is the old one.", fields={"new": "Choose another one than now."})
    made = hashed(current_scope(), new, actor.email, actor.name)
    record(session, actor, Action.PASSWORD_CHANGED, target("user", actor.user_id, actor.email))
    ended = set_password(session, actor, actor.user_id, made, keep=actor.session_id)
    return len(ended), end_keys_of(session, actor, actor.user_id, "password_changed") if revoke_keys else 0


def note_export(session: Session, actor: Actor) -> None:
    """Tell the trail that somebody takes everything about them along (A3)."""
    record(session, actor, Action.PERSONAL_DATA_EXPORTED, target("user", actor.user_id, actor.email))


def erase(session: Session, actor: Actor, confirmed: str) -> None:
    """Erase one's own account; purpose `admin`. Raises Invalid unless one's e-mail was typed, Conflict for the last
    administrator.
    """
    if confirmed.strip().lower() != actor.email.lower():
        raise Invalid("That is not your e-mail.", fields={"email": "Type your own e-mail to confirm."})
    assert actor.user_id is not None
    erase_oneself(session, actor, session.get_one(User, actor.user_id))
