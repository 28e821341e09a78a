"""One SVG file with all icons that pages use, each a <symbol id="i-NAME">."""

from __future__ import annotations

import re
from pathlib import Path

from onyx.embedded.trouble import Trouble

BACKGROUND = re.compile(r'<path stroke="none" d="M0 0h24v24H0z" fill="none" ?/>')
SYMBOL = (
    '<symbol id="i-{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
    'stroke-linecap="round" stroke-linejoin="round">{paths}</symbol>'
)
NOTICE = "<!-- Icons from @tabler/icons, MIT licence, copyright Paweł Kuna -->"


def names(listing: Path) -> list[str]:
    """The icon names in a list file; lines that begin with # are comments."""
    lines = [line for line in listing.read_text().splitlines() if not line.startswith("#")]
    return sorted(set(" ".join(lines).split()))


def sprite(listing: Path, folder: Path) -> str:
    """The whole file, out of one SVG per icon in `folder`."""
    symbols = [symbol(name, folder / f"{name}.svg") for name in names(listing)]
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{NOTICE}\n' + "\n".join(symbols) + "\n</svg>\n"


def symbol(name: str, path: Path) -> str:
    """One icon without its transparent background."""
    if not path.exists():
        raise Trouble(f"config/icons.txt names {name}, which @tabler/icons does not have. Look at tabler.io/icons.")
    inner = path.read_text().split(">", 1)[1].rsplit("</svg>", 1)[0]
    paths = BACKGROUND.sub("", inner)
    return SYMBOL.format(name=name, paths=re.sub(r">\s+<", "><", paths.strip()))
