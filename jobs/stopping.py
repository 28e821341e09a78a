"""Being asked to stop: a pipe, because a signal may come in the middle of any lock."""

import os
import select
import signal


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

    def wait(self, seconds: float) -> bool:
        """Sleep, or less when asked to stop; returns whether it was."""
        if not self.asked:
            select.select([self._reader], [], [], seconds)
        return self.asked
