"""`python -m bench` measures everything and prints Markdown; `python -m bench NAME…` only that."""

import importlib
import sys
import time

from .place import place

NAMES = ("rows", "turns", "events", "memory", "revocation", "start")


def main(wanted: list[str]) -> int:
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        sys.stderr.write(f"There is no bench called {unknown[0]}; there are {', '.join(NAMES)}.\n")
        return 2
    with place() as here:
        for name in wanted or NAMES:
            began = time.monotonic()
            sys.stdout.write(importlib.import_module(f"bench.{name}").measure(here) + "\n")
            sys.stdout.flush()
            sys.stderr.write(f"({name}: {time.monotonic() - began:.0f} s)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
