"""`python -m bench.walls`: how long the boot check takes, in seconds: the best of five, and the first."""

import sys
import time

from onyx.app import create_app
from onyx.tenancy import boot_check


def main() -> None:
    times = []
    with create_app().app_context():
        for _ in range(5):
            began = time.perf_counter()
            boot_check.look()
            times.append(time.perf_counter() - began)
    sys.stdout.write(f"{min(times)} {times[0]}\n")


if __name__ == "__main__":
    main()
