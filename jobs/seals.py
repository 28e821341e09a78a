"""What older versions stored in the clear, or sealed under ONYX_SECRET_KEY, is sealed with the keys of today (G4)."""

from dataclasses import replace

from onyx.access.resealing import reseal
from onyx.core.scope import Scope
from onyx.tenancy.listing import tenant

from .runner import Done, Run, job


@job("keys.seal", purpose="job:keys", due="seals")
def seal(run: Run) -> Done:
    """Seal everything in one tenant that is not; may be stopped and run again."""
    place = tenant(Scope(run.tenant, "job:keys"), run.tenant)
    slug = place.slug if place else ""
    return Done(reseal(replace(run.actor, tenant_slug=slug), run.unit_of_work, run.tell))
