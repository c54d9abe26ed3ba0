"""Words that appear as they are spoken, and may be cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tertulia.environments.people.recorded import CUT_OFF
from tertulia.environments.people.sight import shows_ai
from tertulia.environments.world import Action

if TYPE_CHECKING:
    from tertulia.environments.people.table import Table
    from tertulia.environments.take import TurnWork

BREAK = " —"
"""What stands where somebody was cut off."""


async def deliver(table: Table, work: TurnWork) -> None:
    """Agents' words of this turn appear word by word to the people who hear them.

    A person who sends something meanwhile cuts the speaker off: what is in the log is what was said by then, without
    claims; the thought behind it stays kept, for it was not all said.
    """
    rate = work.stage.scenario.people.words_per_second
    # Where nobody may tell people from agents, people's words appear as agents' do, and can be cut off like theirs.
    alike = not shows_ai(work.stage)
    speakers = [n for n in work.award.admitted if (alike or n not in table.chairs) and _text(work.minds[n].act)]
    if work.closing or not rate or len(speakers) != 1 or len(work.award.admitted) != 1:
        return
    name = speakers[0]
    act = work.minds[name].act
    hearers = _hearers(work, table)
    if act is None or not hearers:
        return
    words, began = _text(act).split(), table.time()
    before = {seat: table.spoke_last(seat) for seat in hearers}
    said = 0
    while said < len(words):
        said = min(len(words), 1 + int((table.time() - began) * rate))
        table.tell(hearers, {"kind": "speaking", "name": name, "text": " ".join(words[:said])})
        await table.change(max(0.02, began + said / rate - table.time()))
        cut = next((seat for seat in hearers if seat != name and table.spoke_last(seat) > before[seat]), None)
        if cut is not None and said < len(words):
            _cut(work, name, act, words[:said], cut)
            return


def _cut(work: TurnWork, name: str, act: Action, said: list[str], by: str) -> None:
    update: dict[str, Any] = {"text": " ".join(said).rstrip(".,;:!?") + BREAK}
    if "asserts" in type(act).model_fields:
        update["asserts"] = ()
    work.minds[name].act = act.model_copy(update=update)
    work.minds[name].cut_off = True
    work.award.reasons[name] += f"{CUT_OFF}{by}"


def _text(act: Action | None) -> str:
    return str(getattr(act, "text", "") or "")


def _hearers(work: TurnWork, table: Table) -> list[str]:
    """The people here who will hear it: the world is pure, so one can ask it what will happen."""
    stage = work.stage
    acts = {name: act for name in work.award.admitted if (act := work.minds[name].act) is not None}
    content = stage.preview(work.turn, work.take, acts)
    return [seat for seat in table.present() if seat in content and seat not in work.award.admitted]
