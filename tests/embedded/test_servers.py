"""PostgreSQL and Redis of one data folder, started by the command that people type."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from typing import Any

import psycopg
import pytest
import redis

from onyx.embedded import account, places, redis_server

from .conftest import Make
from .installation import ROOT, Installation, eventually, without_external_urls

WHEELS = {"EMBEDDED_PG": "wheel", "EMBEDDED_REDIS": "wheel", "PATH": "/usr/bin:/bin"}


def write(urls: dict[str, str]) -> None:
    """One row and one key that must survive."""
    with psycopg.connect(urls["DATABASE_SUPERUSER_URL"]) as connection:
        connection.execute("create table kept (word text)")
        connection.execute("insert into kept values ('still here')")
    with redis.Redis.from_url(urls["REDIS_URL"]) as client:
        client.set("kept", "still here")


def read(urls: dict[str, str]) -> tuple[str, bytes]:
    """The row and the key."""
    with psycopg.connect(urls["DATABASE_SUPERUSER_URL"]) as connection:
        row = connection.execute("select word from kept").fetchone()
    with redis.Redis.from_url(urls["REDIS_URL"]) as client:
        return (row[0] if row else ""), client.get("kept")


def test_the_packaged_servers_lose_nothing_by_kill_minus_nine_and_keep_their_addresses(make: Make) -> None:
    onyx = make("with blank, 'single' and \"double\" quotes", **WHEELS)
    assert onyx.command("start").returncode == 0
    before = onyx.urls()
    write(before)
    assert eventually(lambda: on_disk(onyx))

    onyx.kill_servers()
    again = onyx.command("start")

    assert again.returncode == 0, again.stderr
    assert onyx.urls() == before
    assert read(before) == ("still here", b"still here")


def on_disk(onyx: Installation) -> bool:
    """Whether Redis has written the key to its append-only file (it does so every second)."""
    files = (places.of(onyx.var).redis / "appendonlydir").glob("*.incr.aof")
    return any(b"still here" in path.read_bytes() for path in files)


def test_several_starters_at_once_share_one_server(make: Make) -> None:
    onyx = make()
    starters = [onyx.begin("start") for _ in range(4)]

    assert [starter.wait(300) for starter in starters] == [0, 0, 0, 0], onyx.said()
    assert onyx.said().count("Creating the database") == 1


def test_a_stale_pid_file_that_names_a_living_stranger_does_not_prevent_the_start(make: Make) -> None:
    onyx = make()
    onyx.command("start")
    onyx.kill_servers()
    pid_file = places.of(onyx.var).postgres / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    done = onyx.command("start")

    assert done.returncode == 0, done.stderr
    assert None not in onyx.server_pids()


def test_redis_moves_when_another_program_has_taken_its_port(make: Make) -> None:
    onyx = make()
    onyx.var.mkdir(mode=0o711)
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        taken = stranger.getsockname()[1]
        (onyx.var / "redis-port").write_text(f"{taken}\n")
        done = onyx.command("start")

    assert done.returncode == 0, done.stderr
    assert f"Port {taken} was taken" in done.stdout
    assert redis_server.port(places.of(onyx.var)) != taken


def test_data_of_another_version_is_left_alone_with_advice(make: Make) -> None:
    onyx = make()
    (onyx.var / "postgres").mkdir(parents=True)
    (onyx.var / "postgres" / "PG_VERSION").write_text("14\n")

    done = onyx.command("start")

    assert done.returncode == 1
    assert "made by PostgreSQL 14" in done.stderr and "PG_BINDIR" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [("EMBEDDED_PG", "docker"), ("PORT", "99999"), ("DATABASE_URL_FILE", "/nowhere/url")],
)
def test_a_wrong_setting_names_itself(make: Make, name: str, value: str) -> None:
    onyx = make(**{name: value})

    done = onyx.command("run")

    assert done.returncode == 1
    assert name in done.stderr and "Traceback" not in done.stderr


def test_nothing_is_started_when_addresses_are_given(make: Make, running: Installation) -> None:
    urls = running.urls()
    given = {
        name: urls[name]
        for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "ONYX_SECRET_KEY", "ONYX_MASTER_KEY")
    }
    onyx = make(**given)

    assert onyx.command("start").returncode == 0
    assert onyx.command("status").stdout.split() == ["PostgreSQL:", "external", "Redis:", "external"]
    assert not (onyx.var / "postgres").exists() and not (onyx.var / "redis").exists()


def test_each_role_logs_in_with_its_own_password_and_only_over_the_socket(running: Installation) -> None:
    urls = running.urls()
    names = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_SUPERUSER_URL")
    people = []
    for name in names:
        with psycopg.connect(urls[name]) as connection:
            people.append(connection.execute("select current_user").fetchone())
            assert connection.execute("show listen_addresses").fetchone() == ("",)

    assert people == [("onyx_app",), ("onyx_owner",), ("postgres",)]
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(urls["DATABASE_SUPERUSER_URL"], password="guessed")


def test_redis_wants_its_password_and_tells_nothing_of_keyspace_events(running: Installation) -> None:
    url = running.urls()["REDIS_URL"]
    port = int(url.rsplit(":", 1)[1].split("/")[0])
    with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    with redis.Redis.from_url(url) as client:
        assert client.config_get("notify-keyspace-events") == {"notify-keyspace-events": ""}
        assert client.config_get("append*")["appendfsync"] == "everysec"


def test_the_secrets_are_for_their_owner_alone_and_the_superuser_is_not_printed(running: Installation) -> None:
    mode = stat.S_IMODE((running.var / "secrets.json").stat().st_mode)
    printed = running.command("env").stdout

    assert oct(mode) == "0o600"
    assert "DATABASE_OWNER_URL" in printed and "SUPERUSER" not in printed


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that the servers' user cannot reach")
def test_root_in_a_closed_folder_keeps_the_data_where_the_servers_can_reach_it(make: Make) -> None:
    onyx = make()
    onyx.var.parent.chmod(0o700)

    done = onyx.command("start")

    assert done.returncode == 0, done.stderr
    with without_external_urls():
        assert str(places.of(onyx.var).base).startswith("/var/lib/onyx-")
    assert onyx.command("status").returncode == 0


def test_a_serving_process_learns_its_addresses_without_a_fork(running: Installation, monkeypatch: Any) -> None:
    """Under gevent a forked child's end is missed once in thousands of times: the process then waited for it for ever."""
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("it forked"))
    account.how_to_switch.cache_clear()

    assert running.urls()["REDIS_URL"].startswith("redis://")


def test_the_package_needs_nothing_installed() -> None:
    code = "import sys, onyx.embedded.supervisor; print(sorted(m for m in sys.modules if m in {'psycopg', 'flask'}))"
    shown = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "[]"
