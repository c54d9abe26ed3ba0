"""What is made once, and kept for as long as it can be of use: types for what may be said, and what is made of them.

A world whose acts are its own in every episode makes several types for each. They go with the episode.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakValueDictionary, ref

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=type)

LATELY = 256
"""How many types a function keeps that nobody holds any more: the next episode of the same scenario needs them."""


def once_in_use(make: Callable[P, C]) -> Callable[P, C]:
    """The same arguments give the same type for as long as anybody holds it, and some time after.

    The arguments must be hashable and given in the same way each time, by place or by name.
    """
    in_use: WeakValueDictionary[Any, C] = WeakValueDictionary()

    @lru_cache(maxsize=LATELY)
    def one(*given: Any, **named: Any) -> C:
        key = _loose((given, tuple(named.items())))
        found = in_use.get(key)
        if found is None:
            found = in_use[key] = make(*given, **named)
        return found

    return wraps(make)(one)  # type: ignore[return-value]


def _loose(given: Any) -> Any:
    """A key that holds no types: what is made of them must not wait for a second collection to let them go."""
    if isinstance(given, type):
        return ref(given)
    return tuple([_loose(one) for one in given]) if type(given) is tuple else given


def once_a_type(make: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], T]:
    """`make(cls, ...)` once for each type, by place only: what came of it lies on the type itself and goes with it."""
    name = f"_once_{make.__module__}.{make.__qualname__}"

    @wraps(make)
    def one(cls: Any, *more: Any) -> T:
        found = cls.__dict__.get(name)  # its own: what a base has come to is another matter
        if found is None:
            type.__setattr__(cls, name, found := {})
        if more not in found:
            found[more] = make(cls, *more)  # type: ignore[call-arg]
        return found[more]  # type: ignore[no-any-return]

    return one  # type: ignore[return-value]


class Held:
    """Holds the latest types that it was given, so that they are made once in an episode."""

    __slots__ = ("_types",)
    MOST = 128
    """Eight at a table have a few each."""

    def __init__(self) -> None:
        self._types: dict[type, None] = {}

    def hold(self, cls: type) -> None:
        """Hold one more; the one that came first goes where they are too many."""
        if cls not in self._types:
            self._types[cls] = None
            if len(self._types) > self.MOST:
                del self._types[next(iter(self._types))]
