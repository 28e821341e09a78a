"""`python -m tests.backups.elsewhere ARGUMENTS`: another installation, with keys of its own, receives an archive.

Its database lies on the same server; everything else is its own. It prints what came of it.
"""

import base64
import json
import os
import sys
from pathlib import Path
from uuid import UUID

from onyx.app import create_app, load_settings
from onyx.backups import restore
from onyx.core.actor import Actor, Request
from onyx.tenancy import bootstrap, migrate
from onyx.tenancy.sealed import unseal
from onyx.tenancy.steward import Refused


def main() -> None:
    told = json.loads(sys.argv[1])
    os.environ["ONYX_SECRET_KEY"] = "s" * 40
    os.environ["ONYX_MASTER_KEY"] = base64.b64encode(b"m" * 32).decode()
    os.environ["DATABASE_URL"], os.environ["DATABASE_OWNER_URL"] = told["app"], told["owner"]
    bootstrap.bootstrap(told["superuser"], *told["passwords"], database=told["database"])
    migrate.migrate_all(told["owner"], say=lambda _: None)
    app = create_app(load_settings())
    platform = app.extensions["onyx"].platform
    actor = Actor(platform, "platform", "Platform", None, "", "test", kind="operator", request=Request("r"))
    said = {"refused": [], "made": []}
    for path, passphrase, slug in told["sources"]:
        try:
            went = restore.restore(told["owner"], restore.Source(Path(path), passphrase), actor, slug)
            said["made"].append(went)
        except Refused as refused:
            said["refused"].append(str(refused))
    went = said["made"][-1]
    with app.app_context():
        answer = app.test_client().post("/api/v1/auth/login", json=told["login"])
        said["login"] = [answer.status_code, answer.get_json()]
        hidden, person = bytes.fromhex(told["sealed"][0]), UUID(told["sealed"][1])
        said["opened"] = unseal("totp", hidden, person.bytes, tenant=UUID(went["tenant_id"])).decode()
    print(json.dumps(said))


if __name__ == "__main__":
    main()
