"""`tertulia plot`: figures that say what the measures say, the same each time, and files that are whole."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import struct
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tertulia.cli.plot.figure import FORMATS, Drawn, rendered, spec_of
from tertulia.storage.log import Log
from tests.cli.command import Said, Tertulia
from tests.cli.study import BATCH, played_study
from tests.cli.test_report_batch import write_hostile
from tests.cli.test_report_in_a_browser import HOSTILE

SVG = "{http://www.w3.org/2000/svg}"
KINDS = (
    ("beliefs", BATCH),
    ("beliefs", BATCH, "--y", "brier", "--level", "of another"),
    ("success", BATCH),
    ("success", BATCH, "--differences"),
    ("measure", "turn_share", BATCH),
    ("measure", "belief_brier", BATCH, "--by", "level", "--no-episodes"),
    ("measure", "latency_ms", BATCH, "--differences", "--baseline", "turns.limit=6"),
    ("calibration", BATCH),
    ("floor", "last"),
)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return played_study(tmp_path_factory.mktemp("study"))


@pytest.fixture
def plot(study: Path, tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch) -> Tertulia:
    """`plot("success", BATCH)` is `tertulia plot success BATCH`, on the log of the batch."""
    monkeypatch.setenv("TERTULIA_DB", str(study))

    def call(*arguments: str) -> Said:
        return tertulia("plot", *arguments)

    return call


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_every_kind_is_drawn_the_same_each_time(kind: tuple[str, ...], plot: Tertulia, tertulia: Tertulia) -> None:
    for name in ("a.svg", "b.svg"):
        assert plot(*kind, "-o", name).code == 0
    assert Path("a.svg").read_bytes() == Path("b.svg").read_bytes()
    drawing = ElementTree.fromstring(Path("a.svg").read_text())
    assert drawing.get("width") == "6in" or (kind[0] == "calibration" and drawing.get("width") == "4.403in")
    assert len(list(drawing.iter(f"{SVG}path"))) > 5
    [told] = plot(*kind, "-o", "a.svg", "--data", "a.csv", "--json").lines()
    rows = table(Path("a.csv").read_text())
    assert len(rows) == told["rows"] > 0
    assert told["file"] == str(Path("a.svg").resolve())
    assert tertulia("sql", told["query"], "--json").lines()


@pytest.mark.parametrize("suffix", FORMATS)
def test_each_format_is_itself_and_the_same_each_time(suffix: str, plot: Tertulia) -> None:
    size = ("--width", "84mm", "--height", "2.5in", "--dpi", "150")
    for name in ("a", "b"):
        assert plot("beliefs", BATCH, "-o", f"{name}{suffix}", *size).code == 0
    made = Path(f"a{suffix}").read_bytes()
    assert made == Path(f"b{suffix}").read_bytes()
    if suffix == ".png":
        wide, high = struct.unpack(">II", made[16:24])
        assert (wide, high) == (pytest.approx(84 / 25.4 * 150, abs=3), pytest.approx(375, abs=3))
    elif suffix == ".pdf":
        assert made.startswith(b"%PDF")
        assert b"LiberationSans" in made
    elif suffix == ".json":
        spec = json.loads(made)
        assert spec["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
        assert len(spec["data"]["values"]) > 20
    else:
        assert b'width="3.306in" height="2.5in"' in made


def test_the_table_of_a_measure_is_what_the_measure_says(plot: Tertulia, tertulia: Tertulia) -> None:
    figures = [row for row in table(plot("success", BATCH, "--data", "-").out) if row["kind"] == "figure"]
    differences = table(plot("success", BATCH, "--differences", "--data", "-").out)
    said = tertulia("measures", "run", BATCH, "--measure", "reward", "--json").lines()
    assert [row["kind"] for row in said] == ["figure", "figure", "difference"]
    for row, one in zip([*figures, *differences], said, strict=True):
        for name in ("kind", "cell", "value", "low", "high", "n"):
            assert row[name] == str(one[name])
    assert differences[0]["dz"] == str(said[2]["dz"] or "")
    assert differences[0]["baseline"] == "turns.limit=20"


def test_the_episodes_beside_a_measure_are_those_of_the_log(plot: Tertulia, tertulia: Tertulia) -> None:
    rows = [row for row in table(plot("success", BATCH, "--data", "-").out) if row["kind"] == "episode"]
    log = tertulia("sql", f"SELECT episode, reward FROM v_outcomes WHERE batch = '{BATCH}'", "--json").lines()
    assert {row["episode"]: float(row["value"]) for row in rows} == {row["episode"]: row["reward"] for row in log}
    without = table(plot("success", BATCH, "--no-episodes", "--data", "-").out)
    assert {row["kind"] for row in without} == {"figure"}


def test_the_floor_has_every_bid(plot: Tertulia, tertulia: Tertulia) -> None:
    rows = table(plot("floor", "last", "--data", "-").out)
    last = rows[0]["episode"]
    bids = tertulia("sql", f"SELECT turn, participant, won FROM v_floor WHERE episode = '{last}'", "--json").lines()
    assert {(r["turn"], r["participant"]) for r in rows} == {(str(b["turn"]), b["participant"]) for b in bids}
    held = {(r["turn"], r["participant"]) for r in rows if r["state"] == "has the floor"}
    assert held == {(str(b["turn"]), b["participant"]) for b in bids if b["won"]}


def test_what_is_written_where(plot: Tertulia) -> None:
    said = plot("success", BATCH)
    assert (said.code, said.out) == (0, "")
    assert said.err == "success.png: reward (share of the task) by condition, 12 episodes\n"
    assert [path.name for path in sorted(Path().iterdir())] == ["success.png"]
    assert plot("success", BATCH, "--data", "only.csv").code == 0
    assert [path.name for path in sorted(Path().iterdir())] == ["only.csv", "success.png"]
    assert plot("success", BATCH, "--data", "only.csv").code == 0  # a table of ours is replaced


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("measure", "rewrd", BATCH), "no measure 'rewrd'; nearest: 'reward'"),
        (("measure", "reward", BATCH, "--by", "model"), "--by model: reward cannot be split by it"),
        (("measure", "interruptions", "last", "--differences"), "there is nothing to plot"),
        (("success", "nothing"), "no episode and no batch 'nothing'"),
        (("success", BATCH, "--baseline", "turns.limit=6"), "--baseline is for --differences"),
        (("success", BATCH, "--differences", "--baseline", "x"), "--baseline x: no such cell"),
        (("beliefs", BATCH, "--level", "on"), "--level on: no such beliefs here; nearest: 'own'"),
        (("success", BATCH, "-o", "figure.gif"), "a figure is .png, .svg, .pdf, or .json"),
        (("success", BATCH, "-o", "no/such.png"), "-o no/such.png: No such file or directory"),
        (("success", BATCH, "--width", "3"), None),
        (("success", BATCH, "--width", "3 feet"), "--width 3 feet: a size is from 1in to 40in"),
        (("success", BATCH, "--width", "0.1in"), "a size is from 1in to 40in"),
        (("success", BATCH, "--width", "40in", "--dpi", "1200"), "would be over 20,000 dots"),
        (("success", BATCH, "--json", "--data", "-"), "both want stdout"),
        (("floor", "nothing"), "no episode 'nothing'"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(arguments: tuple[str, ...], told: str | None, plot: Tertulia) -> None:
    said = plot(*arguments)
    if told is None:
        assert said.code == 0
        return
    assert (said.code, len(said.err.splitlines())) == (2, 1), said.err
    assert told in said.err
    assert list(Path().iterdir()) == []


def test_another_file_is_not_written_over(plot: Tertulia) -> None:
    for option, name in (("-o", "mine.svg"), ("--data", "mine.csv")):
        Path(name).write_text("mine")
        said = plot("success", BATCH, option, name)
        assert (said.code, said.err) == (
            2,
            f"error: {option} {name}: there is another kind of file; another place: {option} FILE\n",
        )
        assert Path(name).read_text() == "mine"


def test_a_missing_extra_is_told_and_the_table_needs_none(plot: Tertulia, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    said = plot("success", BATCH)
    assert (said.code, said.err) == (2, "error: figures need the extra: pip install 'tertulia[plots]'\n")
    assert list(Path().iterdir()) == []
    assert len(table(plot("success", BATCH, "--data", "-").out)) == 14
    assert plot("success", BATCH, "-o", "figure.json").code == 0


def test_hostile_names_are_text_in_a_figure_and_in_its_table(tertulia: Tertulia, tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db") as log:
        asyncio.run(write_hostile(log))
    for kind in (("success",), ("measure", "cost_usd", "--by", "model")):
        said = tertulia("plot", *kind, HOSTILE[2], "-o", "a.svg", "--data", "a.csv", "--title", HOSTILE[0] + "\x1b")
        assert said.code == 0, said.err
        drawing = ElementTree.fromstring(Path("a.svg").read_text())
        tags = {element.tag.removeprefix(SVG) for element in drawing.iter()}
        assert tags <= {"svg", "rect", "g", "path", "text", "line", "defs", "clipPath", "title", "desc"}
        assert not [name for e in drawing.iter() for name in e.attrib if name.startswith("on") or "href" in name]
        assert any("<script>" in (element.text or "") for element in drawing.iter(f"{SVG}text"))
        text = Path("a.csv").read_text()
        assert "\x1b" not in text
        cells: list[Any] = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert not [cell for cell in cells if cell.startswith("=")]
        assert f"'{HOSTILE[4]}" in cells


def test_a_name_of_any_characters_keeps_its_marks(tmp_path: Path) -> None:
    """What lists the names says them as the rows do, or a mark would have no colour and no place."""
    name = "two  spaces\tand \ud800\x1b[31m"
    layer = {
        "mark": "point",
        "encoding": {
            "y": {"field": "who", "type": "nominal", "sort": [name]},
            "color": {"field": "who", "type": "nominal", "scale": {"domain": [name], "range": ["#123456"]}},
        },
    }
    spec = spec_of(Drawn("k", [layer], [{"who": name}], ("who",), "SELECT 1", name, 2.0), 3.0, 2.0, name)
    [row] = spec["data"]["values"]
    [drawn] = spec["layer"]
    assert drawn["encoding"]["y"]["sort"] == drawn["encoding"]["color"]["scale"]["domain"] == [row["who"]]
    pytest.importorskip("vl_convert")
    assert b"#123456" in rendered(spec, ".svg", 72)
