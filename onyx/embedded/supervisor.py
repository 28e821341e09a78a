"""`make run`: servers, database, web, worker, scheduler and steward, from one command until Ctrl-C."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from onyx.embedded import environment, lock, places, preparation, processes, servers, terminal
from onyx.embedded.child import Child, environment_for
from onyx.embedded.trouble import Trouble

Say = Callable[[str], None]
SECONDS_TO_READY = 60.0
SECONDS_FOR_LEFTOVERS = 2.0
PATIENCE = {"web": 8.0, "worker": 8.0, "scheduler": 5.0, "steward": 8.0}


class Stopped(Exception):
    """Raised in the main thread by the first signal that asks us to end."""


def run(var: Path) -> int:
    """Everything, until a signal; returns 0 then. Raises Trouble when something cannot start."""
    places.make_var(var)
    if lock.try_to_hold(var / "run.lock") is None:
        raise Trouble(already_running(var))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_now)
    children: list[Child] = []
    terminal.take()
    try:
        bring_up(var, children)
        watch(var, children)
    except Stopped:
        pass
    finally:
        shut_down(var, children)
        terminal.give_back()
    return 0


def stop_now(_number: int, _frame: FrameType | None) -> None:
    """The first signal ends the run; later ones must not disturb the orderly end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


def already_running(var: Path) -> str:
    """What to tell a second starter."""
    return (
        f"It is already running with the data folder {var} (process {runner(var) or '?'}). "
        "Use that one, end it with Ctrl-C or `make stop`, or start another with ONYX_VAR=/other/folder PORT=8001."
    )


def runner(var: Path) -> int | None:
    """The pid that run.lock names."""
    try:
        return int((var / "run.lock").read_text())
    except (FileNotFoundError, ValueError):
        return None


def bring_up(var: Path, children: list[Child]) -> None:
    """Start the servers, prepare the data, start the processes and wait until the web answers."""
    host, port = address()
    end_leftovers(var)
    check_port(host, port)
    with preparation.Preparation(var) as prepared:
        addresses = servers.start(var, say)
        prepared.finish(addresses, say)
    preparation.seed(var, addresses, say)
    children.extend(family(var, addresses, port))
    children[0].start()  # the others would only take the processor from it while it starts
    remember(var, children)
    wait_for_ready(host, port, children)
    for child in children[1:]:
        child.start()
    remember(var, children)
    say(f"Onyx is ready: http://{host}:{port}")
    if (var / "demo-credentials.json").exists():
        say(f"The demo's passwords are in {var / 'demo-credentials.json'}. Ctrl-C stops everything.")


def say(text: str) -> None:
    """Tell the person at the terminal; a closed terminal must not stop the orderly end."""
    try:
        print(text, flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - lives as long as we do


def address() -> tuple[str, int]:
    """Host and port of the web; API_HOST and API_PORT are aliases from the seed documents."""
    name = "PORT" if environment.value("PORT") else "API_PORT"
    return environment.value("API_HOST") or "127.0.0.1", environment.number(name, 8000, 65535)


def check_port(host: str, port: int) -> None:
    """Say so before anything is started when the port is in use."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Trouble(
                f"Port {port} on {host} cannot be used ({error.strerror}). Choose another: make run PORT={port + 1}"
            ) from error


def family(var: Path, addresses: dict[str, str], port: int) -> list[Child]:
    """The four processes; only the steward may know the database's owner."""
    serving = {name: value for name, value in addresses.items() if not name.startswith("DATABASE_")}
    serving |= {"DATABASE_URL": addresses["DATABASE_URL"], "PORT": str(port)}
    ordinary = environment_for(var, serving)
    python = sys.executable
    gunicorn = (python, "-m", "gunicorn", "-c", "config/gunicorn.py", "wsgi:app")
    children = [
        Child("web", gunicorn, ordinary),
        Child("worker", (python, "-m", "jobs.worker"), ordinary),
        Child("scheduler", (python, "-m", "jobs.schedule"), ordinary),
    ]
    if owner := addresses.get("DATABASE_OWNER_URL"):
        trusted = environment_for(var, {**serving, "DATABASE_OWNER_URL": owner})
        children.append(Child("steward", (python, "-m", "jobs.steward"), trusted))
    return children


def remember(var: Path, children: list[Child]) -> None:
    """Write down who was started, for the clean-up after a kill -9 of this process."""
    known = {child.name: child.process.pid for child in children if child.process}
    fresh = var / f".processes.{os.getpid()}"
    fresh.write_text(json.dumps(known))
    fresh.replace(var / "processes.json")


def end_leftovers(var: Path) -> None:
    """End processes that a killed run left behind; each must still look like ours."""
    try:
        known = json.loads((var / "processes.json").read_text())
    except (FileNotFoundError, ValueError):
        return
    for name, leader in known.items():
        words = ("gunicorn", "wsgi:app") if name == "web" else ("-m", "jobs.")
        for pid in processes.of_group(leader):  # gunicorn's workers may outlive it for some seconds
            if processes.is_running(pid, *words):
                say(f"Ending the {name} process {pid} that an earlier run left behind ...")
                processes.end(pid, words, SECONDS_FOR_LEFTOVERS)
    (var / "processes.json").unlink()


def wait_for_ready(host: str, port: int, children: list[Child]) -> None:
    """Until /readyz says yes; if the web process dies meanwhile, the start ends with advice."""
    web = children[0]
    deadline = time.monotonic() + SECONDS_TO_READY
    while not answers(host, port):
        status = web.died()
        if status is not None:
            raise Trouble(f"The web process ended with status {status}; the reason stands above.")
        if time.monotonic() > deadline:
            raise Trouble(f"http://{host}:{port}/readyz does not say ready: {last_answer(host, port)}")
        time.sleep(0.05)


def answers(host: str, port: int) -> bool:
    """Whether GET /readyz is 200."""
    return last_answer(host, port).startswith("200 ")


def last_answer(host: str, port: int) -> str:
    """Status and body of GET /readyz, or why there is none."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return f"{answer.status} {answer.read(500).decode(errors='replace')}"
    except OSError as error:
        return str(error)
    finally:
        connection.close()


def watch(var: Path, children: list[Child]) -> None:
    """Start again what dies, until a signal raises Stopped or the terminal closes."""
    where = places.of(var)
    while not terminal.is_gone():
        for child in children:
            status = child.died()
            if status is not None:
                say(f"The {child.name} process ended (status {status}); starting it again in {child.wait:.1f} s.")
            if child.is_due():
                child.start()
                remember(var, children)
        if servers.has_died(where):
            say("A server has died; starting it again ...")
            revive(var)
        time.sleep(0.25)


def revive(var: Path) -> None:
    """Start the servers again; when that fails say why, and try again a little later."""
    try:
        servers.start(var, say)
    except Trouble as trouble:
        say(str(trouble))
        time.sleep(5)


def shut_down(var: Path, children: list[Child]) -> None:
    """Web first, so that no request meets a dead server; then workers, Redis, PostgreSQL."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if children:
        say("\nStopping Onyx ...")
    for child in children:
        child.stop(PATIENCE[child.name])
    (var / "processes.json").unlink(missing_ok=True)
    if not (var / "keep-running").exists():
        servers.stop(var)


def end_other(var: Path, say_: Say) -> None:
    """End the `make run` of this folder, if there is one, and wait for it."""
    pid = runner(var)
    if pid and processes.is_running(pid, "onyx.embedded", "run"):
        say_(f"Stopping the running Onyx (process {pid}) ...")
        os.kill(pid, signal.SIGTERM)
        if not processes.wait_until(lambda: not processes.command(pid), 40):
            raise Trouble(f"Process {pid} did not end within 40 s.")
