"""An installation that sends mail, as the tests of passwords have it."""

from tests.passwords.conftest import mailbox, send_mail, world

__all__ = ["mailbox", "send_mail", "world"]
