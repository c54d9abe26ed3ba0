"""Random legal actions, and near misses, for whoever tests a world."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from pydantic import RootModel

from tertulia.environments.world import Action
from tertulia.mind.samples import sample_json

LONG = 2_000
NONSENSE = "nothing of the kind"


def random_action(legal: type[RootModel[Any]], rng: Random) -> Any:
    """A random value that the JSON schema of `legal` allows, as plain data."""
    schema = legal.model_json_schema()
    return sample_json(schema, schema.get("$defs", {}), rng, longest=LONG)


def spoiled(act: Action) -> Iterator[Action]:
    """The action with each limited choice of its schema replaced by nonsense, unchecked."""
    schema = type(act).model_json_schema()
    for name, part in schema.get("properties", {}).items():
        if name == "kind":
            continue
        if "enum" in part or "const" in part:
            yield act.model_copy(update={name: NONSENSE})
        items = part.get("items", {})
        if "enum" in items or "const" in items:
            yield act.model_copy(update={name: (NONSENSE,)})
