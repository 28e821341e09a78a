"""A person's words for the device behind a User-Agent."""

_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "Python"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def device_of(user_agent: str) -> str:
    """`Chrome on Linux`, or what little can be said."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "Unknown program")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser


def devices_like(text: str) -> list[str]:
    """Every name that device_of() can give and that holds `text`, whatever the case."""
    browsers = [name for _, name in _BROWSERS] + ["Unknown program"]
    every = [f"{browser} on {system}" for browser in browsers for _, system in _SYSTEMS] + browsers
    return [name for name in every if text.lower() in name.lower()]
