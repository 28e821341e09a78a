"""`flask nodes`: the database machines on which organisations lie."""

import click
import psycopg
from flask.cli import AppGroup

from config.settings import nodes_of
from onyx.core.scope import Scope
from onyx.edge.state import state
from onyx.tenancy import bootstrap as first_hour
from onyx.tenancy import nodes as known_nodes
from onyx.tenancy.placement import tenants_by_node

from .owner import owner_url
from .shell import command, json_option, show

nodes = AppGroup("nodes", help="The database machines on which organisations lie.")
_COLUMNS = ("node", "organisations", "answers")


@nodes.command("list")
@json_option
@command
def list_all(as_json: bool) -> None:
    """All database machines, how many organisations lie on each, and whether it answers its owner."""
    lying = tenants_by_node(Scope(state().platform, "platform"))
    names = list(dict.fromkeys([*known_nodes.names(), *lying]))
    show([{"node": n, "organisations": lying.get(n, 0), "answers": _answer(n)} for n in names], as_json, _COLUMNS)


@nodes.command()
@click.argument("node")
@click.option("--superuser-url", prompt=True, hide_input=True, help="postgresql://… of a superuser there; not kept.")
@json_option
@command
def bootstrap(node: str, superuser_url: str, as_json: bool) -> None:
    """Make Onyx's roles and database on a new machine, with the passwords of DATABASE_OWNER_NODES and DATABASE_NODES."""
    try:
        owner = psycopg.conninfo.conninfo_to_dict(known_nodes.owner_of(node, owner_url()))
    except known_nodes.UnknownNode as unknown:
        raise click.ClickException(str(unknown)) from None
    served = nodes_of(state().settings.database_nodes).get(node)
    if node == known_nodes.MAIN or served is None:
        raise click.ClickException(f"DATABASE_NODES must name {node!r} too, with the password of onyx_app.")
    app = psycopg.conninfo.conninfo_to_dict(served)
    first_hour.bootstrap(superuser_url, str(owner["password"]), str(app["password"]), str(owner["dbname"]))
    show({"node": node, "next": "flask migrate"}, as_json)


def _answer(node: str) -> str:
    try:
        with psycopg.connect(known_nodes.owner_of(node, owner_url()), connect_timeout=5) as connection:
            return "as Citus" if known_nodes.is_citus(connection) else "yes"
    except (psycopg.Error, known_nodes.UnknownNode) as error:
        return f"no: {str(error).splitlines()[0][:80]}"
