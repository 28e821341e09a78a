"""Modules that few processes ever need, and that take long to bring or much memory: brought at their first use, aside.

if TYPE_CHECKING:
    import webauthn
else:
    webauthn = Late("webauthn")
"""

import importlib
import threading
from types import ModuleType
from typing import Any

from .aside import aside

_bringing = threading.Lock()


class Late:
    """Stands for a module until something of it is asked for. No socket of the process waits while it comes.

    A module that is brought so may use another such module in its functions, not while it is imported itself.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: ModuleType | None = None

    def __getattr__(self, name: str) -> Any:
        if self._module is None:
            with _bringing:  # two threads that import the same module could wait for each other
                self._module = aside(lambda: importlib.import_module(self._name))
        return getattr(self._module, name)
