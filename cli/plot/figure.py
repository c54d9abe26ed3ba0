"""A figure: what is drawn (Vega-Lite), the table behind it, and the files that both become.

Drawn by vl-convert, which has its own fonts and asks no network; the same log gives the same file. What agents or files
said is data in it and never markup.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tertulia.cli.display.harmless import one_line
from tertulia.cli.errors import BadInput
from tertulia.cli.plot.look import CONFIG, DOTS_PER_INCH
from tertulia.storage.spreadsheets import inert

MISSING_EXTRA = "figures need the extra: pip install 'tertulia[plots]'"
FORMATS = (".png", ".svg", ".pdf", ".json")
BEGINS = (b"\x89PNG", b"<svg", b"%PDF", b'{\n  "$schema": "https://vega.github.io/schema/vega-lite')
"""How files of these begin: one that is there is replaced by a new one only where it begins so."""
_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_VERSION = "6.1"
_SIZE = re.compile(r'<svg([^>]*?) width="([\d.]+)" height="([\d.]+)"')
_RESOURCES = re.compile(rb"(?:^ +/(?:xo|gs|f|p|cs|sh)\d+ \d+ 0 R\n){2,}", re.MULTILINE)

Row = dict[str, Any]
Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One figure, before it has a size: its layers, and the rows they are drawn from."""

    kind: str
    layers: list[Spec]
    rows: list[Row]
    columns: tuple[str, ...]
    """Of the table, in order; other fields of the rows serve the drawing alone."""
    sql: str
    """The query with the sums behind it."""
    says: str
    """In one line, what it shows and over how many."""
    height_in: float
    """Unless another is asked for."""


def spec_of(drawn: Drawn, width_in: float, height_in: float, title: str | None) -> Spec:
    """The whole figure as Vega-Lite: `width_in` by `height_in` inches, with everything in it."""
    made: Spec = {
        "$schema": _SCHEMA,
        "description": one_line(drawn.says),
        "width": round(width_in * DOTS_PER_INCH),
        "height": round(height_in * DOTS_PER_INCH),
        "autosize": {"type": "fit", "contains": "padding"},
        "config": CONFIG,
        "data": {"values": _plain(drawn.rows)},
        "layer": _plain(drawn.layers),
    }
    if title:
        made["title"] = one_line(title)
    return made


def rendered(spec: Spec, kind: str, dpi: int) -> bytes:
    """The file: `.png`, `.svg`, `.pdf`, or the specification itself as `.json`. Raises `BadInput` without the extra."""
    if kind == ".json":
        return (json.dumps(spec, indent=2, ensure_ascii=True) + "\n").encode()
    try:
        import vl_convert as convert
    except ImportError:
        raise BadInput(MISSING_EXTRA) from None
    nothing: dict[str, Any] = {"vl_version": _VERSION, "allowed_base_urls": []}
    if kind == ".png":
        return bytes(convert.vegalite_to_png(spec, ppi=dpi, **nothing))
    if kind == ".pdf":
        return _in_order(bytes(convert.vegalite_to_pdf(spec, **nothing)))
    return _in_inches(str(convert.vegalite_to_svg(spec, **nothing))).encode()


def _in_inches(svg: str) -> str:
    """Its size as it is on paper; what is drawn stays as it is."""

    def size(found: re.Match[str]) -> str:
        wide, high = (float(text) / DOTS_PER_INCH for text in found.group(2, 3))
        return f'<svg{found[1]} width="{wide:.4g}in" height="{high:.4g}in"'

    return _SIZE.sub(size, svg, count=1)


def _in_order(pdf: bytes) -> bytes:
    """The names of a page's resources come in another order each time. Sorted, the same figure is the same file, and
    nothing in it moves: lines change places within their own block."""
    return _RESOURCES.sub(lambda found: b"".join(sorted(found[0].splitlines(keepends=True))), pdf)


def table(drawn: Drawn) -> str:
    """The rows behind the figure as CSV, every digit; a text that a spreadsheet would run is made inert."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(drawn.columns)
    for row in drawn.rows:
        writer.writerow([_cell(row[name]) for name in drawn.columns])
    return out.getvalue()


def _cell(value: Any) -> Any:
    return inert(one_line(value)) if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    """Every text in it on one line and harmless: in the rows as in what lists them, or their marks would be lost."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return one_line(value) if isinstance(value, str) else value


def kind_of(path: Path) -> str:
    """By the end of its name. Raises `BadInput`."""
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise BadInput(f"-o {path}: a figure is .png, .svg, .pdf, or .json for its Vega-Lite specification")
    return kind
