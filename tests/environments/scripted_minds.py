"""People with scripted minds, over the loopback server: what they think, how much they want to say it, in both ways of
deliberating. What they rate and say depends on the prompt alone, as with any model."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tertulia.mind.faculties.appraise import HEURISTICS

TABLE = """
scenario: outing
world: table_talk
premise: Three friends plan an outing.
participants:
  - {name: ana, persona: "loves the sea"}
  - {name: ben, persona: "cooks well"}
  - {name: cem, persona: "always cold"}
mind: {preset: inner-thoughts}
elicit: none
model: openai/any
turns: {policy: addressed, limit: 9}
ends: [limit, {all_silent: 3}]
"""

Rate = Callable[[str, int, str, str], tuple[int, bool]]
"""(seat, turn, thought, last words heard) -> motivation in tenths, and whether to keep it."""


@dataclass
class Minds:
    """`thoughts[seat, turn]` are formed then: (system, text). A server's `script`."""

    thoughts: dict[tuple[str, int], list[tuple[int, str]]]
    rate: Rate
    asked: list[tuple[str, int, frozenset[str]]] = field(default_factory=list)
    """Seat, turn and the names of the reply's parts, request by request."""

    def __call__(self, body: dict[str, Any]) -> dict[str, Any] | None:
        system, tail = (message["content"] for message in body["messages"])
        seat = re.match(r"You are (\w+)\.", system)
        turn = re.search(r"It is turn (\d+)\.", tail)
        assert seat is not None
        assert turn is not None
        parts = frozenset(body["response_format"]["json_schema"]["schema"]["properties"])
        self.asked.append((seat[1], int(turn[1]), parts))
        return _Asked(self, seat[1], int(turn[1]), tail).answer(parts)


@dataclass
class _Asked:
    minds: Minds
    seat: str
    turn: int
    tail: str

    def answer(self, parts: frozenset[str]) -> dict[str, Any]:
        """One part for a staged request, all of them for a fused one."""
        if "react" in parts or "speak" in parts:
            return {part: self._part(part, fused=True) for part in sorted(parts)}
        kind = {
            frozenset({"interpretation"}): "interpret",
            frozenset({"ratings"}): "appraise",
            frozenset({"thought", "act"}): "speak",
        }.get(parts)
        kind = kind or ("react" if "first reaction" in self.tail else "reflect")
        return self._part(kind, fused=False)

    def _part(self, part: str, *, fused: bool) -> dict[str, Any]:
        labelled = self._kept() | (self._new() if fused else {})
        if part == "interpret":
            return {"interpretation": "Just talk."}
        if part in ("react", "reflect"):
            return {"thoughts": [{"text": text, "stimuli": ["0.0"]} for text in self._formed(part)]}
        if part == "appraise":
            return {"ratings": [self._rating(label, text) for label, text in labelled.items()]}
        return self._act(labelled)

    def _formed(self, part: str) -> list[str]:
        system = 1 if part == "react" else 2
        return [text for of, text in self.minds.thoughts.get((self.seat, self.turn), []) if of == system]

    def _kept(self) -> dict[str, str]:
        return dict(re.findall(r"^- ([KN]\d) \(a thought of yours\): (.*)$", self.tail, re.MULTILINE))

    def _new(self) -> dict[str, str]:
        quick, considered = self._formed("react"), self._formed("reflect")
        return dict(zip(("N1",), quick, strict=False)) | dict(zip(("N2", "N3"), considered, strict=False))

    def _tenths(self, text: str) -> tuple[int, bool]:
        heard = [line for line in self.tail.splitlines() if re.match(r"\[\d+\.\d+\] \w+( to [\w, ]+)?:", line)]
        return self.minds.rate(self.seat, self.turn, text, heard[-1] if heard else "")

    def _rating(self, label: str, text: str) -> dict[str, Any]:
        tenths, keep = self._tenths(text)
        scores = dict.fromkeys((*HEURISTICS, "fills_gap"), 3)
        reasons = {"reason_for": "it may matter", "reason_against": "it may not"}
        return {"thought": label, **reasons, **scores, "motivation_tenths": tenths, "keep": keep}

    def _act(self, labelled: dict[str, str]) -> dict[str, Any]:
        chosen = re.search(r"put ([KN]\d) into words", self.tail)
        best = max(labelled, key=lambda label: self._tenths(labelled[label]), default="none")
        label = chosen[1] if chosen else best
        if not labelled.get(label):
            return {"thought": "none", "act": {"kind": "pass"}}
        return {"thought": label, "act": {"kind": "say", "text": labelled[label], "to": [], "asserts": []}}


def written(tmp_path: Path) -> str:
    """The scenario as a file."""
    path = tmp_path / "outing.yaml"
    path.write_text(TABLE, encoding="utf-8")
    return str(path)
