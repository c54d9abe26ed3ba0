"""An episode shown while it is played: richly, or one plain line an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TextIO

from tertulia.cli.display.harmless import harmless, one_line
from tertulia.cli.display.paint import BRIEF, WHOLE, Painter
from tertulia.cli.display.plain import plain_lines
from tertulia.cli.display.summary import outcome_text, panel, played_text
from tertulia.cli.display.turns import Gathering
from tertulia.cli.hints import program

if TYPE_CHECKING:
    from rich.status import Status

    from tertulia.environments.episode import Episode
    from tertulia.environments.result import EpisodeResult


class Display(Protocol):
    """What shows an episode. `tell` gets the episode's events as they come."""

    def begin(self, episode: Episode, log: str) -> None: ...
    def tell(self, event: dict[str, Any]) -> None: ...
    def close(self) -> None: ...


class Nothing:
    """Shows nothing."""

    def begin(self, episode: Episode, log: str) -> None:
        pass

    def tell(self, event: dict[str, Any]) -> None:
        pass

    def close(self) -> None:
        pass


class Plain:
    """One line for each event, without colour: stable, for files and pipes."""

    def __init__(self, stream: TextIO, minds: bool) -> None:
        self.stream, self.minds = stream, minds

    def begin(self, episode: Episode, log: str) -> None:
        stage = episode.stage
        self.gathering = _gathering(episode)
        self._print(
            f"episode {stage.episode} {one_line(stage.scenario.scenario)} seed {stage.seed} log {one_line(log)}"
        )

    def tell(self, event: dict[str, Any]) -> None:
        if event["kind"] == "turn":
            for line in plain_lines(self.gathering.turn(event["turn"], event["rows"]), minds=self.minds):
                self._print(line)
        elif event["kind"] == "end":
            result: EpisodeResult = event["result"]
            self._print(f"end {result.status}: {one_line(result.reason)}")
            self._print(f"outcome {outcome_text(result.outcome)}")
            self._print(f"played {played_text(result)}")

    def close(self) -> None:
        pass

    def _print(self, line: str) -> None:
        print(line, file=self.stream, flush=True)


class Rich:
    """Speech and, beneath it, minds; scrolls like any output. While models are asked, a last line says for whom."""

    def __init__(self, stream: TextIO, minds: bool) -> None:
        from tertulia.cli.display.console import console_on

        self.console = console_on(stream)
        self.detail = WHOLE if minds else BRIEF
        self.log = ""
        self.waiting: Status | None = None
        self.thinking: set[str] = set()

    def begin(self, episode: Episode, log: str) -> None:
        stage = episode.stage
        self.names, self.log = tuple(stage.seats), log
        self.gathering = _gathering(episode)
        self.painter = Painter(self.console, self.names, self.detail)
        self._header(episode)
        if self.console.is_terminal and any(seat.model != "rules" for seat in stage.seats.values()):
            self.waiting = self.console.status("", spinner="dots" if self._unicode() else "line")
            self._wait(stage.head + 1)
            self.waiting.start()

    def tell(self, event: dict[str, Any]) -> None:
        kind = event["kind"]
        if kind == "turn":
            self.painter.turn(self.gathering.turn(event["turn"], event["rows"]))
            self._wait(event["turn"] + 1)
        elif kind == "deliberated":
            self.thinking.discard(event["name"])
            self._say(f"turn {event['turn']}: {self._who()}")
        elif kind == "floor":
            self._say(f"turn {event['turn']}: {', '.join(event['award'].admitted) or 'nobody'} has the floor")
        elif kind == "end":
            self.close()
            panel(self.console, event["result"], self.log)

    def close(self) -> None:
        if self.waiting is not None:
            self.waiting.stop()
            self.waiting = None

    def _unicode(self) -> bool:
        return self.console.encoding.lower().startswith("utf")

    def _wait(self, turn: int) -> None:
        self.thinking = set(self.names)
        self._say(f"turn {turn}: {self._who()}")

    def _who(self) -> str:
        left = [name for name in self.names if name in self.thinking]
        return f"{', '.join(left)} {'thinks' if len(left) == 1 else 'think'}" if left else "all have thought"

    def _say(self, text: str) -> None:
        if self.waiting is not None:
            from rich.text import Text

            self.waiting.update(Text(one_line(text), "dim"))

    def _header(self, episode: Episode) -> None:
        from rich.text import Text

        stage = episode.stage
        models = sorted({seat.model for seat in stage.seats.values()})
        dot = f" {self.painter.signs.dot} "
        head = Text(one_line(stage.scenario.scenario), "bold")
        head.append(f"{dot}seed {stage.seed}{dot}{one_line(', '.join(models))}", "dim")
        self.console.print(head)
        if stage.head >= 0:
            told = f"goes on after turn {stage.head}; what was before: {program()} show {stage.episode}"
            self.console.print(Text(told, "dim"))
        elif stage.premise:
            for line in Text(harmless(stage.premise), "dim").wrap(self.console, self.console.width - 1):
                line.rstrip()
                self.console.print(line)
        self.console.print()


def _gathering(episode: Episode) -> Gathering:
    gathering = Gathering(episode.stage.seats)
    gathering.know(episode.stage.minds.values())
    return gathering
