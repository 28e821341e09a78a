"""`python -m bench` measures everything and prints Markdown; `python -m bench NAME…` only that.

`tenants` takes `--tenants COUNT` (1,000) and `--parts NAME,NAME`; it keeps an installation of its own (bench/town.py).
"""

import argparse
import importlib
import sys
import time
from collections.abc import Callable

from . import tenants
from .place import place

NAMES = ("rows", "turns", "events", "memory", "revocation", "identity", "backups", "start")


def main(words: list[str]) -> int:
    asked = _parser().parse_args(words)
    chosen = asked.names or [*NAMES, "tenants"]
    beside = [name for name in chosen if name != "tenants"]
    if beside:
        with place() as here:
            for name in beside:
                module = importlib.import_module(f"bench.{name}")
                _show(name, lambda module=module: module.measure(here))
    if "tenants" in chosen:
        _show("tenants", lambda: tenants.measure(asked.tenants, [part for part in asked.parts.split(",") if part]))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*NAMES, "tenants", []], help=", ".join(NAMES))
    parser.add_argument("--tenants", type=int, default=1000)
    parser.add_argument("--parts", default="", help=", ".join(tenants.PARTS))
    return parser


def _show(name: str, measure: Callable[[], str]) -> None:
    began = time.monotonic()
    sys.stdout.write(measure() + "\n")
    sys.stdout.flush()
    sys.stderr.write(f"({name}: {time.monotonic() - began:.0f} s)\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
