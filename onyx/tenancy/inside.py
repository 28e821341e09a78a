"""What lies in one schema, found by an index.

pg_class has no index that begins with the schema: at a thousand tenants it has 200,000 rows, and a look at one tenant's
tables by `relnamespace` read all of them (90 ms beside 0.5). What lies in a schema depends on it, and that has an index.
"""


def relations(schema: str = "%s") -> str:
    """A from-item with the columns of pg_class: tables, partitions, sequences and views (not indexes) of the schema that
    this parameter or expression names.
    """
    return (
        "(select c.* from pg_depend d join pg_class c on c.oid = d.objid where d.classid = 'pg_class'::regclass"
        f" and d.refclassid = 'pg_namespace'::regclass and d.refobjid = to_regnamespace({schema}))"
    )
