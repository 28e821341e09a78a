"""Chats whose time is over are set aside and, a week later, deleted; what is kept longer after all comes back (J1, J4)."""

from onyx.retention import chats

from .runner import Done, Run, job


@job("chats.expire", purpose=chats.PURPOSE, due="retention")
def expire(run: Run) -> Done:
    """Apply one tenant's retention of chats, in batches of one transaction each."""
    done = chats.apply(run.actor, run.unit_of_work, run.tell)
    return Done(done.effects, done.next_at)
