"""Settings that every connection has from its beginning, whatever the server's configuration says."""

from typing import Any

from .wire import Wire

_SETTINGS = {
    "role": "none",
    "row_security": "on",
    "search_path": "",
    "default_transaction_read_only": "off",
    "statement_timeout": "30s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "60s",
    "idle_session_timeout": "0",
    "local_preload_libraries": "",
    "default_transaction_isolation": "read\\ committed",
    "default_transaction_deferrable": "off",
    "standard_conforming_strings": "on",
    "client_encoding": "UTF8",
    "bytea_output": "hex",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "plan_cache_mode": "auto",
    "TimeZone": "UTC",
}
PINNED = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())


class Pin:
    """Connects, and pins as well what only newer servers know: older ones would refuse an unknown setting."""

    def __init__(self) -> None:
        self.options = ""

    def __call__(self, _dialect: object, _record: object, names: list[Any], more: dict[str, Any]) -> Wire:
        made = Wire.connect(*names, **{**more, "options": more["options"] + self.options})
        if self.options or made.info.server_version < 170000:
            return made
        made.close()
        self.options = " -c transaction_timeout=0"
        return self(_dialect, _record, names, more)
