"""Forms of the console. Their token is the one that the door checks (onyx.edge.csrf) before any view runs."""

from typing import Any

from flask import g
from flask_admin.form import BaseForm
from wtforms import EmailField, HiddenField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from onyx.access.policy import roles_for
from onyx.edge.csrf import csrf_token
from onyx.members.queries import role_name


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
        self.roles.choices = [(role.value, role_name(role)) for role in roles_for(g.actor.tenant_slug)]
