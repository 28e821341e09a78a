"""`python -m bench.grown`: migrates all tenants by one script more, an added column, and prints the seconds.

Afterwards the column and its lines in the ledger are taken away again.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from onyx.tenancy import ledger, migrate, scripts


def main() -> None:
    url = os.environ["DATABASE_OWNER_URL"]
    with tempfile.TemporaryDirectory() as folder:
        scripts.ROOT = Path(shutil.copytree(scripts.ROOT, Path(folder) / "migrations"))
        number = ledger.latest() + 1
        (scripts.ROOT / "tenant" / f"{number:04}_bench.sql").write_text("alter table project add column bench text;")
        scripts.scripts.cache_clear()
        began = time.monotonic()
        count = migrate.migrate_all(url, lambda _: None)
        sys.stdout.write(f"{time.monotonic() - began} {count}\n")
    with psycopg.connect(url, autocommit=True) as connection:
        for (tenant,) in connection.execute("select id from onyx.tenant where status <> 'provisioning'").fetchall():
            connection.execute(f"alter table tenant_{tenant.hex}.project drop column if exists bench".encode())
        connection.execute("delete from onyx.tenant_migration where name = 'bench'")


if __name__ == "__main__":
    main()
