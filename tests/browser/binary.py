"""Which browser the tests drive, and with which flags.

`CHROME_BIN`, else Chromium or Chrome of the system, else a pinned headless build from npm, unpacked once into
`tests/browser/.chromium/` (git-ignored) with libraries and fonts of its own where the system has none.
"""

from __future__ import annotations

import ctypes.util
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from onyx.embedded import Trouble, environment, lock, node

HERE = Path(__file__).resolve().parent
PINNED = HERE / "pinned"
CACHE = HERE / ".chromium"
PACKED = PINNED / "node_modules" / "@sparticuz" / "chromium" / "bin"
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLACES = ("/usr/bin", "/usr/local/bin", "/snap/bin", "/Applications/Google Chrome.app/Contents/MacOS")

# Not the flags that the npm package proposes: those switch web security off.
LAUNCH_ARGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--headless",
    "--hide-scrollbars",
    "--lang=en-US",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]

WRAPPER = """#!/bin/sh
here=$(dirname -- "$0")
{settings}exec "$here/chromium-bin" "$@"
"""
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""
UNPACK = "fs.writeFileSync(process.argv[2], zlib.brotliDecompressSync(fs.readFileSync(process.argv[1])))"


def find_browser() -> str | None:
    """Path of a browser to run; None when there is none and none can be fetched (the reason is printed)."""
    named = os.environ.get("CHROME_BIN")
    if named:
        return named
    found = system_browser()
    if found:
        return found
    try:
        return str(pinned_browser())
    except (Trouble, OSError, subprocess.CalledProcessError) as error:
        print(f"No browser: set CHROME_BIN or install chromium; the pinned one could not be had: {error}")
        return None


def system_browser() -> str | None:
    """The first browser of this machine."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *PLACES))
    return next((found for name in NAMES if (found := shutil.which(name, path=path))), None)


def pinned_browser() -> Path:
    """The unpacked build of npm's @sparticuz/chromium; installs it the first time."""
    ready = CACHE / "chromium"
    with lock.held(PINNED / "package.json"):  # several test workers may ask at once
        if not ready.exists():
            build()
    return ready


def build() -> None:
    """Install, unpack beside the final place, and move there in one step."""
    var = environment.var_folder()
    node.install_packages(PINNED, var, print)
    fresh = CACHE.with_name(f"{CACHE.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    unpack("chromium.br", fresh / "chromium-bin", var)
    (fresh / "chromium-bin").chmod(0o755)
    for name in ("al2023", "fonts", "swiftshader"):
        unpack(f"{name}.tar.br", fresh / f"{name}.tar", var)
        with tarfile.open(fresh / f"{name}.tar") as archive:
            archive.extractall(fresh if name == "swiftshader" else fresh / name, filter="data")
        (fresh / f"{name}.tar").unlink()
    write_wrapper(fresh)
    shutil.rmtree(CACHE, ignore_errors=True)
    fresh.rename(CACHE)


def unpack(name: str, target: Path, var: Path) -> None:
    """Brotli, which node knows and Python does not."""
    script = f"const fs = require('node:fs'), zlib = require('node:zlib'); {UNPACK}"
    subprocess.run([node.program(var, print), "-e", script, str(PACKED / name), str(target)], check=True)


def write_wrapper(folder: Path) -> None:
    """A script that adds libraries and fonts where the system lacks them."""
    settings = ""
    if ctypes.util.find_library("nss3") is None:
        library = next(path.parent for path in sorted(folder.glob("al2023/**/libnss3.so*")))
        relative = library.relative_to(folder)
        settings += f'export LD_LIBRARY_PATH="$here/{relative}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"\n'
    if not Path("/etc/fonts/fonts.conf").exists():
        fonts = FONTS.format(fonts=CACHE / "fonts" / "fonts", cache=CACHE / "font-cache")
        (folder / "fonts.conf").write_text(fonts)
        settings += 'export FONTCONFIG_FILE="$here/fonts.conf"\n'
    (folder / "chromium").write_text(WRAPPER.format(settings=settings))
    (folder / "chromium").chmod(0o755)
