"""A coder's page in a real browser: it codes, remembers, gives back a sheet, and runs nothing that was said."""

from __future__ import annotations

from pathlib import Path

from tertulia.cli.coding.page import coding_page
from tertulia.storage.coding.checking import check
from tertulia.storage.coding.codebook import Code, Codebook, preferences
from tertulia.storage.coding.drawing import CodingSet, draw
from tertulia.storage.coding.material import Line, Piece
from tertulia.storage.coding.reading import read_sheet
from tests.browser import Tab, browser
from tests.cli.test_report_in_a_browser import HOSTILE, quiet

BOOK = Codebook(
    "warmth",
    (
        Code("warmth", "utterance", "ordinal", "How warm is it?", ("cold", "warm"), ("curt", "kind")),
        Code("effort", "utterance", "interval", low=0, high=100),
    ),
    say="Read </script><script>window.owned = 1</script> first.",
)


def hostile_set() -> CodingSet:
    said = [
        Piece("utterance", f"E{n}", "", (Line(n, 0, "<b>eve</b>", "", text, True, True, False),),
              before=(Line(0, 0, "bob", "", HOSTILE[1], True, True, False),))
        for n, text in enumerate(HOSTILE)
    ]  # fmt: skip
    return draw(said, BOOK, ["coder-1"])


async def saved(tab: Tab) -> str:
    """What the button gives the coder to save."""
    await tab.run(
        "URL.createObjectURL = (blob) => { window.sheet = blob.text(); return ''; };"
        "HTMLAnchorElement.prototype.click = () => {}; document.getElementById('save').click(); 0"
    )
    text: str = await tab.run("window.sheet")
    return text


async def test_what_is_coded_on_the_page_comes_back_as_a_sheet(tmp_path: Path) -> None:
    made = hostile_set()
    file = tmp_path / "coder-1.html"
    file.write_text(coding_page(made, "coder-1"), encoding="ascii")
    async with browser(tmp_path / "profile") as tab:
        await tab.see(width=390)
        await tab.open(file)
        assert await tab.run("document.documentElement.scrollWidth <= innerWidth")
        shown = []
        for n in range(len(HOSTILE)):
            shown.append(await tab.run("document.querySelector('.said').textContent"))
            await tab.run(f"document.querySelectorAll('input[type=radio]')[{n % 2}].click()")
            await tab.run(
                "(() => { const box = document.querySelector('input[type=number]'); box.value = '7.5';"
                "box.dispatchEvent(new Event('input')); })()"
            )
            await tab.run("document.getElementById('next').click()")
        await tab.run(
            "(() => { const box = document.querySelector('textarea'); box.value = '=1+1';"
            "box.dispatchEvent(new Event('input')); })()"
        )
        assert {text.partition(": ")[0] for text in shown} == {"<b>eve</b>"}
        assert {text.partition(": ")[2].replace("\u241b", "\x1b").replace("\u2407", "\x07") for text in shown} == set(
            HOSTILE
        )
        assert await tab.run("document.getElementById('place').textContent") == "item 6 of 6, 6 coded"
        await tab.picture(tmp_path / "page.png")
        await tab.open(file)  # a page that is opened again knows what was coded
        assert await tab.run("document.getElementById('place').textContent") == "item 1 of 6, 6 coded"
        assert await tab.run("document.querySelectorAll('input[type=radio]')[0].checked")
        text = await saved(tab)
        assert await tab.run("window.owned === undefined && document.getElementsByTagName('img').length === 0")
        assert tab.trouble == []
        assert set(tab.asked) == {file.as_uri()}
    [found] = check(made, [read_sheet(text.encode(), "coder-1-coded.csv")])
    assert found.given == 12
    assert [given["effort"] for given in found.codes.values()] == [("7.5", 7.5)] * 6
    assert list(found.codes) == made.order["coder-1"]
    assert list(found.notes.values()) == ["=1+1"]
    assert '"\'=1+1"' in text


async def test_a_pair_stands_side_by_side_and_none_of_it_is_named(tmp_path: Path) -> None:
    lines = [(Line(1, 0, "ann", "", text, True, True, False),) for text in ("first", "second")]
    pair = Piece("pair", "E1", "", lines[0], other="E2", other_lines=lines[1], conditions=("secret-x", "secret-y"))
    made = draw([pair], preferences(), ["coder-1"])
    file = tmp_path / "pairs.html"
    file.write_text(coding_page(made, "coder-1"), encoding="ascii")
    assert "secret" not in file.read_text()
    async with browser(tmp_path / "profile") as tab:
        await tab.open(file)
        sides = await tab.run("[...document.querySelectorAll('.sides .said')].map((one) => one.textContent)")
        assert sorted(sides) == ["ann: first", "ann: second"]
        labels = await tab.run("[...document.querySelectorAll('label')].map((one) => one.textContent.trim())")
        assert labels == ["A", "B", "tie", "(cannot tell)"]
        quiet(tab, file)
