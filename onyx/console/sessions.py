"""/admin/sessions: who is signed in now, and ending it."""

from flask_admin import BaseView, expose

from onyx.access.policy import Permission


class LiveSessions(BaseView):
    """The page; its rows, filters and receipts come from /api/v1/live-sessions."""

    permissions = {"index": Permission.SESSIONS_READ}

    def __init__(self) -> None:
        super().__init__(name="Live sessions", endpoint="admin_sessions", url="/admin/sessions")

    @expose("/")
    def index(self) -> str:
        return self.render("admin/sessions.html")
