"""All benchmarks: `make bench`, or `python -m tests.bench turns calls` for some. Figures are for this machine, now;
compare only what one run printed side by side."""

from __future__ import annotations

import importlib
import sys

BENCHMARKS = ("turns", "conversations", "log", "calls", "gold", "local_engine")


def main() -> None:
    wanted = sys.argv[1:] or BENCHMARKS
    unknown = [name for name in wanted if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    sys.argv = sys.argv[:1]
    for name in wanted:
        print(f"== {name}", flush=True)
        importlib.import_module(f"tests.bench.{name}").main()


if __name__ == "__main__":
    main()
