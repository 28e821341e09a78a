"""Installations in throw-away folders; whatever a test leaves running is ended and the test told so."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from onyx.embedded import places
from tests import afterwards

from .installation import Installation

Make = Callable[..., Installation]


@pytest.fixture
def make() -> Iterator[Make]:
    """A function that makes installations: make("folder name", EMBEDDED_PG="wheel")."""
    made: list[Installation] = []

    def new(name: str = "var", **settings: str) -> Installation:
        made.append(new_installation(name, **settings))
        return made[-1]

    yield new
    for installation in made:
        put_away(installation)


def new_installation(name: str, **settings: str) -> Installation:
    """An installation in a folder of its own; pytest's tmp_path is closed to the user that the servers run as."""
    parent = Path(tempfile.mkdtemp(prefix="onyx-test-"))
    parent.chmod(0o711)
    afterwards.look_after(parent / name)
    return Installation(parent / name, **settings)


def put_away(installation: Installation) -> None:
    """Stop everything and remove every trace."""
    if not installation.var.exists():
        shutil.rmtree(installation.var.parent)
        return
    installation.command("stop")
    for process in installation.begun:
        process.wait(90)
    where = places.of(installation.var)
    for folder in {where.base, where.sockets, where.binaries, installation.var.parent}:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def running() -> Iterator[Installation]:
    """One installation with both servers up, shared by the tests that only look at it."""
    installation = new_installation("var")
    done = installation.command("start")
    assert done.returncode == 0, done.stderr
    yield installation
    put_away(installation)
