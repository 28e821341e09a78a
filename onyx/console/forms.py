"""Forms of the console. Their token is the one that the door checks (onyx.edge.csrf) before any view runs."""

from typing import Any

from flask import g
from flask_admin.form import BaseForm
from wtforms import EmailField, HiddenField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from onyx.access.lasting import role_ends
from onyx.core.db import db
from onyx.edge.csrf import csrf_token
from onyx.roles.queries import all_roles


class GuardedForm(BaseForm):
    """A form that carries the token of the login session which shows it."""

    csrf_token = HiddenField()

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.csrf_token.data = csrf_token(g.actor.session_id)


class PersonForm(GuardedForm):
    """A person, as an administrator creates and changes them."""

    email = EmailField("E-mail", [DataRequired("Give an e-mail address."), Length(3, 254)])
    display_name = StringField("Name", [Length(max=120)])
    roles = SelectMultipleField(
        "Roles",
        [DataRequired("Choose at least one role.")],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        found = all_roles(db.session(), g.actor.tenant_slug)
        self.roles.choices = [(role["key"], role["name"]) for role in found]
        self.role_hints = {role["key"]: role["description"] for role in found if role["description"]}
        self.role_ends = role_ends(db.session(), g.actor, [(role["key"], role["permissions"]) for role in found])
