"""What an archive holds is read off the catalogue; whatever is added later must fit."""

from onyx.backups.tables import tables


def test_every_row_that_goes_with_a_person_is_sealed_for_that_person(owner, world):
    """Else a person's erasure would leave rows in old backups that refer to nobody, and no restore would succeed."""
    found = {table.name: table for table in tables(owner, world.acme.schema)}
    refers = owner.execute(
        "select c.relname, array(select attname::text from unnest(k.conkey) n join pg_attribute a on a.attrelid = c.oid"
        " and a.attnum = n), f.relname from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class f"
        " on f.oid = k.confrelid where k.contype = 'f' and c.relnamespace = %s::regnamespace",
        [world.acme.schema],
    ).fetchall()
    for name, columns, target in refers:
        if found[target].owner:
            assert found[name].owner in columns, (
                f"{name}({', '.join(columns)}) refers to {target}: lead with its person"
            )


def test_an_invitation_goes_with_whoever_invited_and_the_platforms_with_nobody(owner, world):
    found = {table.name: table for table in tables(owner, world.acme.schema)}
    assert found["invitation"].owner == "invited_by" and found["invitation"].order[0].startswith("coalesce(invited_by")
    assert found["chat_message"].order[:2] == ("user_id", "id"), "large tables are read by their index"
