"""Story: one agent lives through a published story, or watches it, and is then asked about it."""

from tertulia.environments.worlds.story.asking import Answer
from tertulia.environments.worlds.story.params import StoryParams, StorySeat
from tertulia.environments.worlds.story.policy import StoryRules
from tertulia.environments.worlds.story.world import StoryState, StoryWorld

__all__ = ["Answer", "StoryParams", "StoryRules", "StorySeat", "StoryState", "StoryWorld"]
