"""Where a figure and its table go."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tertulia.cli.errors import BadInput, note
from tertulia.cli.files import write_whole
from tertulia.cli.plot.figure import BEGINS, kind_of, rendered, spec_of, table

if TYPE_CHECKING:
    from tertulia.cli.plot.figure import Drawn

_STDOUT = "-"
_LENGTH = re.compile(r"(\d+(?:\.\d+)?) *(in|cm|mm|pt|)")
_INCHES = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72, "": 1.0}
_LEAST_IN, _MOST_IN, _MOST_DOTS = 1.0, 40.0, 20_000


class Hand:
    """Where a figure and its table go. What is wrong with that is said before anything is asked."""

    def __init__(
        self, out: str | None, width: str, height: str | None, dpi: int, title: str | None, data: str | None,
        as_json: bool, name: str,
    ) -> None:  # fmt: skip
        self._data, self._as_json, self._dpi, self._title = data, as_json, dpi, title
        self._out = Path(out) if out is not None else None if data is not None else Path(f"{name}.png")
        self._kind = kind_of(self._out) if self._out is not None else None
        self.width_in = _inches("--width", width)
        self._height = None if height is None else _inches("--height", height)
        if max(self.width_in, self._height or 0) * dpi > _MOST_DOTS:
            raise BadInput(f"--dpi {dpi}: a PNG of this size would be over {_MOST_DOTS:,} dots; fewer, or --width 6in")
        if as_json and data == _STDOUT:
            raise BadInput("--json and --data -: both want stdout; another place for one: --data FILE")

    def __call__(self, drawn: Drawn) -> None:
        figure = None
        if self._out is not None and self._kind is not None:
            spec = spec_of(drawn, self.width_in, self._height or drawn.height_in, self._title)
            figure = rendered(spec, self._kind, self._dpi)
        text = table(drawn)
        if self._data is not None and self._data != _STDOUT:
            first = ",".join(drawn.columns[:2]).encode()
            write_whole(Path(self._data), text.encode(), option="--data", begins=[first])
        if figure is not None and self._out is not None:
            write_whole(self._out, figure, option="-o", begins=BEGINS)
        if self._data == _STDOUT:
            sys.stdout.write(text)
        self._tell(drawn, figure)

    def _tell(self, drawn: Drawn, figure: bytes | None) -> None:
        if self._as_json:
            data = None if self._data is None else str(Path(self._data).resolve())
            file = None if self._out is None else str(self._out.resolve())
            told = {"kind": drawn.kind, "file": file, "bytes": len(figure or b""), "data": data, "shows": drawn.says}
            print(json.dumps({**told, "rows": len(drawn.rows), "query": drawn.sql}))
        elif self._out is not None:
            note(f"{self._out}: {drawn.says}")


def _inches(option: str, text: str) -> float:
    found = _LENGTH.fullmatch(text.strip())
    size = float(found[1]) * _INCHES[found[2]] if found else 0.0
    if not _LEAST_IN <= size <= _MOST_IN:
        raise BadInput(f"{option} {text}: a size is from 1in to 40in, as in 6in, 12cm, 84mm or 240pt")
    return size
