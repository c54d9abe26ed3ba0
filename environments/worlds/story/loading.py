"""From the keys of a scenario to the story that is told: read, controlled, and in its skin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from tertulia.environments.gold import rule_named
from tertulia.environments.stories.controls import DROPPED, controlled
from tertulia.environments.stories.reading import FORMATS, text_of
from tertulia.environments.stories.reskin import Skin, SkinName, make_skin
from tertulia.environments.stories.story import Story, StoryError
from tertulia.environments.world import WorldError
from tertulia.environments.worlds.story.params import ALL, StoryParams
from tertulia.storage.nearest import nearest

SHIPPED = Path(__file__).with_name("lighthouse.yaml")


@dataclass(frozen=True)
class Loaded:
    """The story as it is told, with the questions that are asked of it."""

    story: Story
    skin: Skin
    viewer: str | None
    """Who the one is that lives through it; None for one who watches."""

    @property
    def relabelled(self) -> int:
        """How many questions a control gave another answer."""
        return sum(bool(question.tags.get(DROPPED)) for question in self.story.questions)


def load(params: StoryParams) -> Loaded:
    """Raises `WorldError` for whatever cannot be, with the key it is about."""
    story = _item(params)
    viewer = _viewer(params, story)
    story = _asked(params, story)
    if params.control != "none":
        try:
            story = controlled(story, params.control, rule_named(params.gold.rule))
        except LookupError as error:
            raise WorldError("item", f"{story.id}: {error.args[0]}") from None
    kinds: tuple[SkinName, ...] = ("names", "objects", "wording")
    skin = make_skin(story, [kind for kind in kinds if params.skin in (kind, ALL)], params.skin_seed)
    return Loaded(skin.over(story), skin, viewer and skin.word(viewer))


def _item(params: StoryParams) -> Story:
    path = params.file or SHIPPED
    try:
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
    except OSError:
        raise WorldError("file", f"there is no file {path}; give the path of a story file") from None
    stories = _stories(path, _format(params, path), stamp)
    if params.item >= len(stories):
        last = f"{path.name} has {len(stories)} {'story' if len(stories) == 1 else 'stories'}"
        right = "give 0" if len(stories) == 1 else f"give a number from 0 to {len(stories) - 1}"
        raise WorldError("item", f"there is no story {params.item}, {last}; {right}")
    return stories[params.item]


def _format(params: StoryParams, path: Path) -> str:
    if params.format is None and path.suffix in (".yaml", ".yml"):
        return "own"
    if params.format is None:
        raise WorldError("file", f"how {path.name} is written is not told; set `format`, one of: {', '.join(FORMATS)}")
    if params.format not in FORMATS:
        raise WorldError("format", f"no format '{params.format}'; {nearest(params.format, list(FORMATS))}")
    return params.format


@lru_cache(maxsize=8)
def _stories(path: Path, format: str, stamp: tuple[int, int]) -> tuple[Story, ...]:
    """The stories of a file that can be read; `stamp` tells its versions apart."""
    found: list[Story] = []
    wrong: StoryError | None = None
    try:
        for one in FORMATS[format](text_of(path), str(path)):
            if isinstance(one, Story):
                found.append(one)
            else:
                wrong = wrong or one
    except StoryError as error:
        wrong = error
    if not found:
        problem = str(wrong) if wrong is not None else f"{path}: no stories in it; is it in the format {format}?"
        raise WorldError("file", problem)
    return tuple(found)


def _viewer(params: StoryParams, story: Story) -> str | None:
    if params.view == "third":
        if params.as_ is not None:
            wrong = f"who watches the story is not '{params.as_}'"
            raise WorldError("as", f"{wrong}; set `view: first`, or leave `as` out")
        return None
    name = params.as_ or story.cast[0]
    if name not in story.cast:
        raise WorldError("as", f"nobody in {story.id} is called '{name}'; {nearest(name, list(story.cast))}")
    return name


def _asked(params: StoryParams, story: Story) -> Story:
    """The story with only the questions that are to be asked."""
    if params.questions == ALL:
        return story
    kinds = list(dict.fromkeys(question.kind for question in story.questions))
    for kind in params.questions:
        if kind not in kinds:
            raise WorldError("questions", f"no question of the kind '{kind}' in {story.id}; {nearest(kind, kinds)}")
    return replace(story, questions=tuple(one for one in story.questions if one.kind in params.questions))
