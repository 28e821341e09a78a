"""What lies in a schema is found by what depends on it, and that is all of it."""

from onyx.tenancy.inside import relations


def test_nothing_of_a_schema_is_missed_and_nothing_else_found(owner, world):
    for schema in (world.acme.schema, world.globex.schema, "onyx", "nowhere"):
        found = owner.execute(f"select oid from {relations()} c order by oid", [schema]).fetchall()
        there = owner.execute(
            "select oid from pg_class where relnamespace = to_regnamespace(%s) and relkind not in ('i', 'I')"
            " order by oid", [schema],
        ).fetchall()  # fmt: skip
        assert found == there and (len(found) > 10) == (schema != "nowhere")
