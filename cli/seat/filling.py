"""What a seat is asked (a consent, a question, a questionnaire) while its line stays free for everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tertulia.cli.seat.face import Face
from tertulia.cli.seat.link import Link, Message, Refused

FORMS = ("consent", "question", "form")
"""Messages that are answered item by item (`forms.fill`)."""


class Filling:
    """At most one form at a time: lines that are typed answer it, until it is done or over."""

    def __init__(self, link: Link, face: Face, say: Callable[[str], None]) -> None:
        self._link, self._face, self._say = link, face, say
        self._draft = ""
        """What was being typed when something was asked: it is no answer, and stands in the line again afterwards."""
        self._form: dict[str, Any] = {}
        self._filling: asyncio.Task[None] | None = None
        self._asked: asyncio.Future[str] | None = None
        self._moved = asyncio.Event()

    @property
    def kind(self) -> str:
        """What is being answered: one of `FORMS`, or nothing."""
        return str(self._form.get("kind", ""))

    def begin(self, message: Message) -> None:
        """Ask what a message asks; what was asked before is over."""
        self.put_away()
        self._form, self._draft = dict(message), self._face.stash()
        self._filling = asyncio.create_task(self._filled(message))

    async def takes(self, line: str) -> bool:
        """Whether a line answers what is asked just now; commands stay commands. Returns once the next is asked: lines
        of a pipe come faster than questions."""
        if not self._form or (line.startswith("/") and line.strip() != "/skip"):
            return False
        await self._is_asked()
        if self._asked is None:
            return False
        self._asked.set_result(line)
        self._asked = None
        await self._is_asked()
        await asyncio.sleep(0.01)  # what comes after this form is on its way
        return True

    def put_away(self) -> None:
        """What was asked is over."""
        if self._filling is not None:
            self._filling.cancel()
        self._form, self._filling, self._asked = {}, None, None
        self._moved.set()
        self._unstash()

    def _unstash(self) -> None:
        draft, self._draft = self._draft, ""
        if draft:
            self._face.put_back(draft)

    async def _filled(self, message: Message) -> None:
        from tertulia.cli.seat.forms import fill

        data = await fill(message, self._ask, self._say)
        try:
            await self._link.send("consent" if message["kind"] == "consent" else "answer", data=data)
        except Refused as problem:
            self._say(str(problem))
        finally:
            if self._form.get("id") == message.get("id"):  # another may have come by now
                self._form = {}
                self._unstash()
            self._moved.set()

    async def _ask(self, text: str) -> str:
        self._say(text)
        asked: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._asked = asked
        self._moved.set()
        return await asked

    async def _is_asked(self) -> None:
        """Until something is asked, or nothing is any more."""
        while self._form and self._asked is None:
            self._moved.clear()
            await self._moved.wait()
