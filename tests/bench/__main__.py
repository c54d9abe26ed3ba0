"""All benchmarks: `make bench`, or `python -m tests.bench turns calls` for some. Options are those of the one that is
named: `python -m tests.bench big_log --turns 1000000`. Figures are for this machine, now; compare only what one run
printed side by side."""

from __future__ import annotations

import importlib
import sys

BENCHMARKS = (
    "turns",
    "thinking",
    "conversations",
    "log",
    "calls",
    "gold",
    "local_engine",
    "gpu",
    "big_log",
    "measures",
)


def main() -> None:
    given = sys.argv[1:]
    options = next((given[n:] for n, word in enumerate(given) if word.startswith("-")), [])
    wanted = given[: len(given) - len(options)] or BENCHMARKS
    if options and len(wanted) != 1:
        sys.exit(f"{options[0]} is an option of one benchmark; name it, and no other")
    unknown = [name for name in wanted if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    sys.argv = [sys.argv[0], *options]
    for name in wanted:
        print(f"== {name}", flush=True)
        importlib.import_module(f"tests.bench.{name}").main()


if __name__ == "__main__":
    main()
