"""The tenant administrators' console: Flask-Admin in our own theme, whose views call services and never commit."""

from flask import Flask
from flask_admin import Admin
from flask_admin.theme import Theme

from .door import guard
from .overview import Overview
from .people import PeopleView
from .sessions import LiveSessions


def register(app: Flask) -> None:
    # A folder that Flask-Admin does not ship: a template that we forgot is an error, not a Bootstrap 4 page.
    theme = Theme(folder="onyx", base_template="admin/base.html")
    views = (Overview(), PeopleView(), LiveSessions())
    admin = Admin(name="Onyx", theme=theme, index_view=views[0])
    for view in views[1:]:
        admin.add_view(view)
    admin.init_app(app)
    for view in views:
        guard(app, view)
