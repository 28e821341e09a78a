"""/admin: how things stand now, and what a new organisation still needs (U1)."""

from flask import g
from flask_admin import AdminIndexView, expose

from onyx.access.factor_policy import is_required
from onyx.access.policy import Permission
from onyx.core.db import db
from onyx.edge.state import state
from onyx.first_run.queries import checklist
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
        settings = state().settings
        mail = settings.sends_mail
        steps = checklist(g.actor, count, bool(settings.llm_base_url), mail)
        return self.render(
            "admin/index.html", count=count, checklist=steps, require_factor=is_required(), sends_mail=mail
        )
