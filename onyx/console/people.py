"""/admin/people: Flask-Admin's model view over onyx.members; every row goes through its queries and services."""

from types import SimpleNamespace
from typing import Any

from flask import g, redirect, request
from flask_admin import expose
from flask_admin.model import BaseModelView
from flask_admin.model.filters import BaseFilter
from wtforms import Form

from onyx.access.held import roles_held
from onyx.access.policy import Permission, Role
from onyx.core.actor import Actor
from onyx.core.clock import rfc3339
from onyx.core.db import db
from onyx.core.errors import NotFound
from onyx.core.ids import parse_id
from onyx.core.pages import parse_id_cursor
from onyx.edge.http import authorize
from onyx.edge.lockout import is_locked
from onyx.identity.models import User
from onyx.members import queries, service

from .door import refusal
from .forms import GuardedForm, PersonForm

_MARKED = "Look once more at what is marked below."


class Choice(BaseFilter):
    """A filter with fixed choices; they are the same for every tenant, since they are computed once, at boot."""

    def operation(self) -> str:
        return "is"

    def apply(self, query: dict[str, str], value: str) -> dict[str, str]:
        return {**query, str(self.key_name): value}


class PeopleView(BaseModelView):
    """Keyset pages without a count; create, change and delete are those of members.service."""

    permissions = {"index_view": Permission.USERS_READ}
    fresh = ("create_view", "edit_view")
    form_base_class = GuardedForm
    can_delete = can_export = False
    can_view_details = False
    page_size = 50
    column_list = ("display_name", "email", "roles", "status", "last_login_at")
    column_labels = {"display_name": "Name", "email": "E-mail", "last_login_at": "Last sign-in"}
    column_searchable_list = ("email", "display_name")
    column_filters = (
        Choice("Role", [(role.value, role.value.replace("_", " ").capitalize()) for role in Role], key_name="role"),
        Choice("Status", [("active", "Active"), ("suspended", "Suspended")], key_name="status"),
    )
    list_template = "admin/people/list.html"
    create_template = "admin/people/create.html"
    edit_template = "admin/people/edit.html"
    # Endpoints of Flask-Admin that have no page here: no rule, so that they are 404.
    export = ajax_lookup = ajax_update = action_view = delete_view = details_view = None

    def __init__(self) -> None:
        super().__init__(User, name="People", endpoint="people", url="/admin/people")

    # -- what Flask-Admin asks of a model's back end

    def scaffold_list_columns(self) -> list[str]:
        return list(self.column_list)

    def scaffold_sortable_columns(self) -> dict[str, str]:
        return {}  # newest first, always: the order of the keyset

    def scaffold_form(self) -> type[Form]:
        return PersonForm

    def scaffold_list_form(self, widget: Any = None, validators: Any = None) -> type[Form]:
        raise NotImplementedError("people are not edited in the list")

    def scaffold_filters(self, name: Any) -> list[BaseFilter] | None:
        return None

    def is_valid_filter(self, filter: Any) -> bool:
        return isinstance(filter, Choice)

    def init_search(self) -> bool:
        return True

    def search_placeholder(self) -> str:
        return "Search names and e-mails"

    def get_pk_value(self, model: Any) -> Any:
        return model["id"] if isinstance(model, dict) else model.id

    def _get_field_value(self, model: dict[str, Any], name: str) -> Any:
        return model[name]

    def _get_list_extra_args(self) -> Any:
        given = super()._get_list_extra_args()
        given.extra_args.pop("after", None)  # a cursor belongs to one list, not to the links of another
        return given

    # -- reading and changing

    def get_list(
        self, page: Any, sort_field: Any, sort_desc: Any, search: str | None, filters: Any, page_size: int | None = None
    ) -> tuple[None, list[dict[str, Any]]]:
        chosen: dict[str, str] = {}
        for index, _, value in filters or ():
            chosen = self._filters[index].apply(chosen, value)
        wanted = queries.Filter(q=(search or "")[:200], **chosen)
        after = parse_id_cursor(request.args.get("after"))
        size = min(page_size or self.page_size, 200)
        found, g.next_cursor = queries.people(db.session(), wanted, size, after)
        return None, found

    def get_one(self, id: Any) -> User:
        """Raises NotFound for a malformed, random or foreign id alike."""
        known = parse_id(id)
        found = queries.person(db.session(), g.actor, known) if known else None
        if found is None:
            raise NotFound()
        return found

    def create_model(self, form: PersonForm) -> Any:
        return service.create(
            db.session(), g.actor, email=form.email.data, display_name=form.display_name.data or "",
            roles=form.roles.data, password=None,
        )  # fmt: skip

    def update_model(self, form: PersonForm, model: User) -> bool:
        actor: Actor = g.actor
        service.change_person(db.session(), actor, model, email=form.email.data, display_name=form.display_name.data)
        if sorted(form.roles.data) != roles_held(model):
            authorize(actor, Permission.ROLES_GRANT)  # as PUT …/roles does: the door of this form asks for less
            service.set_roles(db.session(), actor, model, form.roles.data)
        return True

    def delete_model(self, model: User) -> bool:
        service.remove(db.session(), g.actor, model)
        return True

    # -- pages

    @property
    def _template_args(self) -> dict[str, Any]:
        return {"next_cursor": g.get("next_cursor")}

    def validate_form(self, form: Form) -> bool:
        """On the second try of a refused request the form only shows why."""
        g.console_form = request.method == "POST"
        error = refusal()
        if error is None:
            return bool(super().validate_form(form))
        form.validate()
        for name, text in (error.fields or {}).items():
            if name in form:
                form[name].errors = [*form[name].errors, text]
        return False

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> str:
        """The new person's password is in the answer to the form and nowhere else."""
        form = self.create_form()
        if self.validate_form(form):
            id, password = self.create_model(form)
            return self.render("admin/people/created.html", id=id, email=form.email.data, password=password)
        if request.method == "GET":
            form.roles.data = [Role.USER.value]
        return self.render(self.create_template, form=form, refusal=_message())

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        model = self.get_one(request.args.get("id"))
        shown = queries.shown_person(model)
        form = self._edit_form_class(request.form or None, obj=SimpleNamespace(**shown))
        if self.validate_form(form):
            self.update_model(form, model)
            return redirect(f"{self.get_url('.edit_view')}?id={model.id}&saved=1", 303)
        why = queries.explained(model, g.actor.tenant_slug)
        ends = {role: rfc3339(at) for role, at in shown["until"].items()}
        locked = is_locked(model.email_digest, model.id)
        return self.render(
            self.edit_template, form=form, person=shown, ends=ends, explained=why, refusal=_message(), locked=locked,
            latest={role: rfc3339(at) for role, at in form.role_ends.items()},
        )  # fmt: skip


def _message() -> str:
    """What stands above the form; what is wrong with a field stands beside it."""
    error = refusal()
    if error is None:
        return ""
    return _MARKED if error.fields and error.message == type(error).message else error.message
