"""Answers whose process died are finished or marked as failed (C3)."""

from onyx.chat.recovery import recover_replies

from .runner import Done, Run, job


@job("replies.recover", purpose="job:replies", due="replies")
def recover(run: Run) -> Done:
    """Settle a tenant's abandoned replies; the function itself marks the tenant as due again while some are open."""
    return Done(recover_replies(run.tenant))
