"""Being asked to stop: a pipe, because a signal may come in the middle of any lock."""

import os
import select
import signal
from typing import Protocol


class Readable(Protocol):
    """A connection, as select(2) waits for it."""

    def fileno(self) -> int: ...


class Stopping:
    """True-like once SIGTERM or Ctrl-C came; `wait` sleeps until then."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.ask())

    def ask(self) -> None:
        """Stop soon."""
        self.asked = True
        try:
            os.write(self._writer, b".")
        except BlockingIOError:
            pass

    def wait(self, seconds: float, *also: Readable) -> bool:
        """Sleep, or less when asked to stop or when one of `also` has something to read; returns whether asked to stop."""
        if not self.asked:
            select.select([self._reader, *(one.fileno() for one in also)], [], [], seconds)
        return self.asked
