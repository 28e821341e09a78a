"""CPU and memory of the processes that serve: gunicorn's master and its workers."""

import time

import psutil

_seen: dict[int, psutil.Process] = {}
_last: tuple[float, float, float] = (0.0, 0.0, 0.0)


def load() -> tuple[float, float]:
    """CPU in percent of one core since the last look, and resident memory in MB; one look in two seconds at most."""
    global _last
    at, cpu, memory = _last
    if time.monotonic() - at < 2:
        return cpu, memory
    cpu = memory = 0.0
    for process in _group():
        try:
            cpu += process.cpu_percent(None)
            memory += process.memory_info().rss / 1e6
        except psutil.Error:
            _seen.pop(process.pid, None)
    _last = (time.monotonic(), round(cpu, 1), round(memory, 1))
    return _last[1], _last[2]


def _group() -> list[psutil.Process]:
    me = psutil.Process()
    head = me.parent()
    found = (
        [head, *head.children(recursive=True)] if head is not None and "gunicorn" in " ".join(head.cmdline()) else [me]
    )
    for process in found:
        _seen.setdefault(process.pid, process)
    return [_seen[process.pid] for process in found]
