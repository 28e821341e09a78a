"""What changes something for others, or takes data out, asks for a fresh proof, or stands here with a reason (I6)."""

from __future__ import annotations

from onyx.access.policy import PURPOSE

SAFE = {"GET", "HEAD", "OPTIONS"}
FOR_OTHERS = {"admin", "auditor", "platform"}

# Dangerous doors that open without a fresh proof. Each new line here needs a reason in review.
WITHOUT = {
    ("DELETE", "/api/v1/live-sessions/<session_id>"): "an incident: nobody is slowed down while a thief is signed in",
    ("DELETE", "/api/v1/platform/live-sessions/<session_id>"): "the same",
    ("DELETE", "/api/v1/tenant/api-keys/<key_id>"): "the same, for a key that leaked",
    ("POST", "/api/v1/live-sessions/revoke"): "one session needs none; for more the view asks itself",
    ("POST", "/api/v1/platform/live-sessions/revoke"): "the same",
    ("PATCH", "/api/v1/tenants/<tenant_id>"): "name and notes need none; for settings the view asks itself",
    ("POST", "/api/v1/tenants/<tenant_id>/delete/cancel"): "destroys nothing and opens nothing",
    ("POST", "/api/v1/isolation/check"): "looks, and changes nothing",
    ("POST", "/api/v1/tenants/<tenant_id>/isolation/check"): "the same",
    ("POST", "/api/v1/jobs/<name>/run"): "does now what happens by itself anyway",
    ("POST", "/api/v1/mail/test"): "a mail to oneself",
    ("POST", "/api/v1/revocations/<revocation_id>/retry"): "says once more what was decided",
    ("POST", "/api/v1/roles/preview"): "changes nothing",
    ("POST", "/api/v1/tenant/settings/model/test"): "changes nothing",
    ("POST", "/scim/v2/.search"): "reads",
    ("POST", "/scim/v2/Groups/.search"): "reads",
    ("POST", "/scim/v2/Users/.search"): "reads",
    ("GET", "/api/v1/access-log/archives/<archive_id>/manifest"): "numbers and a signature, no line of the log",
    ("GET", "/api/v1/tenant-deletions/<deletion_id>/certificate"): "numbers and a signature, of what is gone",
    ("GET", "/api/v1/files/<file_id>/content"): "one file of one's own, or that was shared",
    ("GET", "/api/v1/sessions/<chat_id>/export"): "one chat of one's own",
    ("GET", "/api/v1/users/<user_id>/avatar"): "a picture",
    ("GET", "/api/v1/users/me/avatar"): "the same",
}
# What bears on one's own way in, beside what the table of routes finds.
OWN = {
    ("DELETE", "/api/v1/auth/factors/passkeys/<passkey_id>"), ("DELETE", "/api/v1/auth/factors/totp"),
    ("POST", "/api/v1/api-keys"), ("POST", "/api/v1/auth/factors/passkeys"),
    ("POST", "/api/v1/auth/factors/passkeys/options"), ("POST", "/api/v1/auth/factors/recovery-codes"),
    ("POST", "/api/v1/auth/factors/totp"), ("POST", "/api/v1/auth/factors/totp/confirm"),
    ("POST", "/api/v1/auth/sso/link"), ("POST", "/api/v1/users/me/erase"),
}  # fmt: skip


def _doors(app):
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        guard = view.__dict__.get("onyx_rule")
        if guard is not None and guard.permission is not None:
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                yield (method, rule.rule), guard, view


def _takes_data_out(view):
    """A download: its answer is a file, as the API's document says."""
    described = view.__dict__.get("onyx_described")
    kinds = described.answers.values() if described else ()
    return any(isinstance(kind, str) and kind != "text/event-stream" for kind in kinds)


def _is_dangerous(method, guard, view):
    return (method not in SAFE and PURPOSE[guard.permission] in FOR_OTHERS) or (
        method in SAFE and _takes_data_out(view)
    )


def test_what_changes_others_or_takes_data_out_asks_for_a_fresh_proof_or_says_why_not(app):
    found = {door: guard.fresh for door, guard, view in _doors(app) if _is_dangerous(door[0], guard, view)}
    assert len(found) > 60, "the table of routes was not read"
    bare = {door for door, fresh in found.items() if not fresh}
    assert bare - WITHOUT.keys() == set(), "put fresh=True on these, or a line with its reason into WITHOUT"
    assert WITHOUT.keys() - bare == set(), "remove these lines"


def test_what_bears_on_ones_own_way_in_asks_for_one(app):
    fresh = {door for door, guard, _ in _doors(app) if guard.fresh}
    assert fresh >= OWN, f"these lost their lock: {sorted(OWN - fresh)}"
