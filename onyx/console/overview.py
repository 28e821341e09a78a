"""/admin: how things stand now, and what a new organisation still needs (U1)."""

from typing import Any

from flask_admin import AdminIndexView, expose

from onyx.access.factor_policy import is_required
from onyx.access.policy import Permission
from onyx.core.db import db
from onyx.members.queries import headcount


class Overview(AdminIndexView):
    """Numbers arrive by Socket.IO; the page itself holds only the checklist."""

    permissions = {"index": Permission.USERS_READ}

    def __init__(self) -> None:
        super().__init__(name="Overview", url="/admin")
        self.static_folder = None  # none of Flask-Admin's own Bootstrap 4 and jQuery is served

    @expose("/")
    def index(self) -> str:
        count = headcount(db.session())
        return self.render("admin/index.html", count=count, checklist=_checklist(count), require_factor=is_required())


def _checklist(count: Any) -> list[dict[str, Any]]:
    return [
        {"text": "Add the people of your organisation", "done": count.active > 1, "href": "/admin/people/new/"},
        {"text": "Give a second person the role Admin", "done": count.admins > 1, "href": "/admin/people/"},
        {
            "text": "Appoint an auditor, who alone may read the trail",
            "done": count.auditors > 0,
            "href": "/admin/people/",
        },
    ]
