"""Every organisation's isolation is checked once a day, and when somebody asks (T9)."""

import json
from datetime import timedelta
from uuid import UUID

from onyx.core.clock import now
from onyx.isolation import service
from onyx.isolation.examine import examine

from .runner import Done, Run, job


@job("isolation.check", purpose="job:isolation", due=service.DUE)
def check(run: Run) -> Done:
    """Examine, sign, keep; what fails is an event of outcome `failure` and stands on the platform's page."""
    document = service.report(run.tenant, examine(run.tenant))
    with run.unit_of_work() as session:
        failed = service.keep(session, run.actor, document, json.dumps(document))
    service.tell_platform(run.tenant, UUID(document["content"]["id"]), failed)
    return Done(failed, now() + timedelta(days=1))
