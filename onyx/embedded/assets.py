"""Fill static/vendor/ from the pinned npm packages: `python -m onyx.embedded.assets`.

Copies only what pages use, strips references to source maps, builds one sprite of the icons in config/icons.txt,
and writes manifest.json with the SHA-256 of each file.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from pathlib import Path

from onyx.embedded import environment, node
from onyx.embedded.environment import ROOT
from onyx.embedded.sprite import sprite
from onyx.embedded.trouble import Trouble

VENDOR = ROOT / "static" / "vendor"
MODULES = ROOT / "node_modules"
MADE_FROM = ("package-lock.json", "config/icons.txt", "onyx/embedded/assets.py", "onyx/embedded/sprite.py")
FILES = {
    "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler-themes.min.css": "@tabler/core/dist/css/tabler-themes.min.css",
    "tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "socket.io.esm.min.js": "socket.io-client/dist/socket.io.esm.min.js",
    "marked.esm.js": "marked/lib/marked.esm.js",
    "purify.es.mjs": "dompurify/dist/purify.es.mjs",
    "highlight.min.js": "@highlightjs/cdn-assets/es/highlight.min.js",
    "highlight-light.min.css": "@highlightjs/cdn-assets/styles/github.min.css",
    "highlight-dark.min.css": "@highlightjs/cdn-assets/styles/github-dark.min.css",
    "uPlot.esm.js": "uplot/dist/uPlot.esm.js",
    "uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
    "uPlot.min.css": "uplot/dist/uPlot.min.css",
}
SOURCE_MAP = re.compile(rb"\n?(?://[#@] ?sourceMappingURL=[^\n]*|/\*[#@] ?sourceMappingURL=[^*]*\*/)\n?")


def fill() -> bool:
    """Make static/vendor/ fit the lock file; False when it already does."""
    made_from = fingerprint()
    if is_current(made_from):
        return False
    tell("Installing front-end files with npm ...")
    node.install_packages(ROOT, environment.var_folder(), tell)
    fresh = VENDOR.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, source in FILES.items():
        (fresh / name).write_bytes(SOURCE_MAP.sub(b"\n", (MODULES / source).read_bytes()))
    (fresh / "icons.svg").write_text(sprite(ROOT / "config" / "icons.txt", MODULES / "@tabler/icons/icons/outline"))
    manifest = {"made_from": made_from, "files": {path.name: digest(path) for path in sorted(fresh.iterdir())}}
    (fresh / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    shutil.rmtree(VENDOR, ignore_errors=True)
    fresh.rename(VENDOR)
    return True


def fingerprint() -> str:
    """Hash of everything that the vendor folder is made from."""
    return hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in MADE_FROM)).hexdigest()


def is_current(made_from: str) -> bool:
    """Whether the folder was made from the same things and every file is still there."""
    try:
        manifest = json.loads((VENDOR / "manifest.json").read_text())
    except (FileNotFoundError, ValueError):
        return False
    return manifest["made_from"] == made_from and all((VENDOR / name).exists() for name in manifest["files"])


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tell(text: str) -> None:
    """Print at once."""
    print(text, flush=True)


def main() -> int:
    """Fill the folder; trouble is told without a traceback."""
    try:
        fill()
    except Trouble as trouble:
        print(f"\nOnyx cannot go on: {trouble}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
