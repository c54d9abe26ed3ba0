"""A report in a real browser: it renders, follows the keyboard, loads nothing, and runs nothing that was said."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tertulia.cli.report.page import page
from tertulia.storage.log import Log
from tertulia.storage.measures.catalogue import measure
from tertulia.storage.measures.compute import Measured, played
from tertulia.storage.reporting import episode_report
from tertulia.storage.rows import ParticipantRow
from tests.browser import Tab, browser
from tests.playing import play
from tests.storage.made import (
    a_bid,
    a_call,
    a_thought,
    a_turn,
    a_witness,
    an_appraisal,
    an_episode,
    an_event,
    beliefs,
    truth,
)

HOSTILE = (
    "</script><script>window.owned = 1</script>",
    "<img src=x onerror='window.owned = 1'><svg onload=window.owned=1>",
    "'; DROP TABLE turn; --",
    "\x1b]0;owned\x07\x1b[31mred",
    '=HYPERLINK("http://127.0.0.1:9/owned")',
    "javascript:window.owned=1//{{script}}<!--",
)


async def report(where: Path, scenario: str, *, blind: bool = False, **given: object) -> tuple[Path, str]:
    result = await play(where / "log.db", scenario, seed=3, **given)  # type: ignore[arg-type]
    file = where / "page.html"
    with Log.open(where / "log.db", create=False) as log:
        file.write_text(page(result.episode, episode_report(log, result.episode, blind=blind), blind=blind))
    return file, result.episode


def quiet(tab: Tab, file: Path) -> None:
    """Nothing was complained of, and nothing but the file was asked for."""
    assert tab.trouble == []
    assert tab.asked == [file.as_uri()]


async def test_the_slider_follows_the_keyboard_and_the_page_the_slider(tmp_path: Path) -> None:
    file, _ = await report(tmp_path, "dinner-secret")
    async with browser(tmp_path / "profile") as tab:
        await tab.see(width=1280)
        await tab.open(file)
        assert await tab.run("document.querySelector('output').textContent") == "the opening"
        for _ in range(9):
            await tab.press("ArrowRight")
        assert await tab.run("document.querySelector('output').textContent") == "turn 9 of 14"
        assert await tab.run("document.querySelector('[aria-current]').id") == "turn-9"
        chosen, pane = (f"document.querySelector('{one}').getBoundingClientRect()" for one in ("#turn-9", ".pane"))
        assert await tab.run(f"{chosen}.top >= {pane}.top && {chosen}.bottom <= {pane}.bottom")
        assert await tab.run("scrollY") == 0
        assert await tab.run("document.querySelector('.beside h2').textContent") == "At turn 9"
        matrix = "[...document.querySelectorAll('.matrix')[0].querySelectorAll('td.own, td')].map(td => td.textContent)"
        cells = await tab.run(matrix)
        assert cells[2] == "kitchen 95\u2009%"  # what alice, who saw the cake moved, thinks bob believes
        await tab.press("ArrowLeft")
        assert await tab.run("document.querySelector('#turn').value") == "8"
        await tab.run("document.querySelector('#turn').focus()")
        await tab.press("End")
        assert await tab.run("document.querySelector('output').textContent") == "the end"
        await tab.run("location.hash = '#turn-3'")
        assert await tab.run("document.querySelector('output').textContent") == "turn 3 of 14"
        assert await tab.run("document.querySelector('details.thoughts').open") is False
        quiet(tab, file)


async def test_every_shade_is_a_belief_that_the_log_holds(tmp_path: Path) -> None:
    file, episode = await report(tmp_path, "dinner-secret")
    with Log.open(tmp_path / "log.db", create=False) as log:
        held = log.query(
            "SELECT chain, turn, probability FROM v_beliefs_held "
            "WHERE episode = ? AND variable = 'cake' AND value = 'cellar'",
            [episode],
        ).rows
        briers = log.query(
            "SELECT chain, turn, gold_brier FROM v_belief_accuracy "
            "WHERE episode = ? AND variable = 'cake' AND source = 'turn' AND gold_brier IS NOT NULL",
            [episode],
        ).rows
    async with browser(tmp_path / "profile") as tab:
        await tab.open(file)
        found = await tab.run(
            "[...document.querySelectorAll('.heat tbody tr:not(.kind)')].slice(1).flatMap(tr => {"
            " const chain = tr.querySelector('th').firstChild.textContent;"
            " return [...tr.querySelectorAll('td')].map(td => [chain, Number(td.dataset.turn),"
            "  Number(td.style.getPropertyValue('--p')), Number(td.style.getPropertyValue('--g'))]) })"
        )
        shown = {(chain, turn): (p, g) for chain, turn, p, g in found}
        assert {key: p for key, (p, _) in shown.items()} == {(chain, turn): p for chain, turn, p in held}
        assert len(briers) > 200
        for chain, turn, brier in briers:
            p, g = shown[chain, turn]
            assert 2 * (p - g) ** 2 == pytest.approx(brier, abs=1e-9)
        quiet(tab, file)


async def test_an_arrow_of_influence_lists_what_was_said_with_how_far_it_went(tmp_path: Path) -> None:
    file, episode = await report(tmp_path, "dinner-secret")
    with Log.open(tmp_path / "log.db", create=False) as log:
        measured = Measured(log, measure("belief_shift"), played(log, [episode]), ("speaker", "hearer")).figures()
    expected = {
        (dict(one.group)["speaker"], dict(one.group)["hearer"]): (one.value * one.n, one.value, one.n)
        for one in measured
    }
    assert len(expected) > 3
    async with browser(tmp_path / "profile") as tab:
        await tab.open(file)
        rows = await tab.run(
            "[...document.querySelectorAll('#influence tbody tr')].map(tr => [...tr.children].map(c => c.textContent))"
        )
        assert {(a, b): (float(total), float(mean), int(n)) for a, b, total, mean, n in rows} == {
            pair: (pytest.approx(total, abs=5e-4), pytest.approx(mean, abs=5e-4), n)
            for pair, (total, mean, n) in expected.items()
        }
        arrows = "document.querySelectorAll('#influence .arrow')"
        assert await tab.run(f"{arrows}.length") == len(expected)
        last = len(expected) - 1
        await tab.call("Emulation.setFocusEmulationEnabled", enabled=True)
        await tab.run(f"{arrows}[{last}].focus()")
        speaker, hearer = rows[last][:2]
        assert await tab.run("document.querySelector('.told h3').textContent") == f"{speaker} to {hearer}"
        amounts = await tab.run("[...document.querySelectorAll('.told li b')].map(b => Number(b.textContent))")
        assert sum(amounts) == pytest.approx(expected[speaker, hearer][0], abs=2e-3)
        assert await tab.run("document.querySelectorAll('#influence tr.chosen').length") == 1
        assert await tab.run(f"{arrows}[{last}].getAttribute('aria-pressed')") == "true"
        await tab.run("document.querySelector('#influence tbody button').click()")
        assert await tab.run("document.querySelector('.told h3').textContent") == f"{rows[0][0]} to {rows[0][1]}"
        said = await tab.run("document.querySelector('.told li').textContent")
        assert "cake" in said
        await tab.run("document.querySelector('.told li a').click()")
        turn = await tab.run("document.querySelector('.told li a').textContent")
        assert await tab.run("document.querySelector('output').textContent") == f"{turn} of 14"
        quiet(tab, file)


async def test_a_keyboard_stays_where_it_is_when_another_variable_is_chosen(tmp_path: Path) -> None:
    file, _ = await report(tmp_path, "dinner-secret")
    async with browser(tmp_path / "profile") as tab:
        await tab.open(file)
        for place in ("#beliefs", ".beside"):
            await tab.run(f"document.querySelector('{place} select').focus()")
            chosen = await tab.run(
                f"(() => {{ const one = document.querySelector('{place} select'); one.selectedIndex = 1;"
                " one.dispatchEvent(new Event('change')); return one.value })()"
            )
            assert await tab.run("document.activeElement.value") == chosen
            assert await tab.run(f"document.querySelector('{place}').contains(document.activeElement)")
            assert (await tab.run("document.querySelector('.heat caption').textContent")).startswith(f"{chosen} = ")
            assert (await tab.run("document.querySelector('.matrix caption').textContent")).startswith(f"{chosen}: ")
        quiet(tab, file)


@pytest.mark.parametrize("scenario", ["mutual-friends", "ice-breakers", "guess-the-mean"])
async def test_other_worlds_have_reports_that_fit_a_phone(scenario: str, tmp_path: Path) -> None:
    file, _ = await report(tmp_path, scenario)
    async with browser(tmp_path / "profile") as tab:
        for dark in (False, True):
            await tab.see(width=390, dark=dark)
            tab.asked.clear()
            await tab.open(file)
            await tab.press("ArrowRight")
            assert await tab.run("document.documentElement.scrollWidth <= innerWidth")
            assert await tab.run("document.querySelectorAll('.turn').length") > 3
            quiet(tab, file)


async def write_hostile(log: Log) -> str:
    """An episode in which every text that somebody else chooses is hostile."""
    html, image, sql, terminal, formula, url = HOSTILE
    record = an_episode(cast=("alice",), scenario=html, reason=image)
    record.participants.append(
        ParticipantRow(episode=record.episode.id, name=image, ordinal=1, kind=html, model=formula)
    )
    await log.begin(record)
    call = a_call(1, uri=html, participant=image, purpose=terminal)
    await log.record_call(call)
    events = [an_event(1, text, at, addressees=[image, url]) for at, text in enumerate(HOSTILE)]
    rows = [
        *events,
        a_witness(1, image),
        a_thought(1, "t1.1", terminal + html),
        an_appraisal(1, "t1.1", "kept", 2.5),
        a_bid(1, "alice", won=True, motivation=4.25, reason=html),
        a_bid(1, image, reason=image),
        *beliefs(1, f"alice>{image}", sql, **{html: 0.75, formula: 0.25}),
        *beliefs(1, "alice", sql, **{html: 0.75, formula: 0.25}),
        *truth(1, sql, html, formula),
    ]
    await log.commit(a_turn(0, an_event(0, url, actor=None), silent=True))
    await log.commit(a_turn(1, *rows))
    return record.episode.id


async def test_what_was_said_is_shown_and_does_nothing(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    with Log.open(tmp_path / "log.db") as log:
        episode = await write_hostile(log)
        file.write_text(page(episode, episode_report(log, episode)))
    async with browser(tmp_path / "profile") as tab:
        await tab.open(file)
        await tab.press("ArrowRight")
        words = await tab.run("[...document.querySelectorAll('#turn-1 .words')].map(p => p.textContent)")
        assert words == [text.replace("\x1b", "\u241b").replace("\x07", "\u2407") for text in HOSTILE]
        assert await tab.run("typeof owned") == "undefined"
        assert (
            await tab.run(
                "document.querySelectorAll('main img, main svg [onload], main script, main a[href^=java]').length"
            )
            == 0
        )
        assert await tab.run("document.querySelector('h1').textContent") == HOSTILE[0]
        quiet(tab, file)


async def test_the_policy_holds_even_against_a_script_that_got_in(tmp_path: Path) -> None:
    file, _ = await report(tmp_path, "sally-anne")
    visits: list[str] = []
    listening = await asyncio.start_server(lambda _, writer: (visits.append("one"), writer.close())[0], "127.0.0.1", 0)
    outside = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/x"
    async with listening, browser(tmp_path / "profile") as tab:
        await tab.open(file)
        quiet(tab, file)
        tried = "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'let' } catch (e) { return e.name } })()"
        assert await tab.run(tried) == "TypeError"
        image = f"Object.assign(document.createElement('img'), {{src: '{outside}', onerror: () => done('refused')}})"
        assert await tab.run(f"new Promise(done => document.body.append({image}))") == "refused"
        assert await tab.run(f"fetch('{outside}').then(() => 'let', () => 'refused')") == "refused"
        assert sum("Content Security Policy" in said for said in tab.trouble) >= 2
    assert visits == []


async def test_a_blind_report_has_the_transcript_alone(tmp_path: Path) -> None:
    file, _ = await report(tmp_path, "dinner-secret", blind=True)
    async with browser(tmp_path / "profile") as tab:
        await tab.open(file)
        await tab.press("ArrowRight")
        assert await tab.run("document.querySelector('output').textContent") == "turn 1 of 14"
        assert await tab.run("[...document.querySelectorAll('section')].map(one => one.id)") == ["transcript"]
        assert await tab.run("document.querySelectorAll('.thoughts, .claim, aside, dl').length") == 0
        quiet(tab, file)
