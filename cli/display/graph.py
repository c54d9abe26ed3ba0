"""Graphs and rooms in boxes of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from rich.cells import cell_len

from tertulia.cli.display.harmless import one_line

_GAP = "   "


class Edge(Protocol):
    """One edge of a compiled graph."""

    @property
    def source(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def conditional(self) -> bool: ...


def layers_of(nodes: Sequence[str], edges: Sequence[Edge]) -> list[list[str]]:
    """Nodes by the longest way from a beginning, in their given order within a layer. The graph has no cycle."""
    depth = dict.fromkeys(nodes, 0)
    for _ in nodes:
        for edge in edges:
            depth[edge.target] = max(depth[edge.target], depth[edge.source] + 1)
    deepest = max(depth.values(), default=-1)
    return [[node for node in nodes if depth[node] == level] for level in range(deepest + 1)]


def graph_lines(nodes: Sequence[str], edges: Sequence[Edge], notes: Mapping[str, str]) -> Iterator[str]:
    """The graph from top to bottom. A dotted line is taken on a condition; ways that skip a layer stand beside."""
    layers = layers_of(nodes, edges)
    level = {node: number for number, layer in enumerate(layers) for node in layer}
    for number, layer in enumerate(layers):
        boxes = [_box(_name(node), "") for node in layer]
        top, middle, bottom = (_GAP.join(parts) for parts in zip(*boxes, strict=True))
        aside = [_aside([edge for edge in edges if edge.source == node], level) for node in layer]
        told = [note for node in layer if (note := notes.get(node))]
        yield f"  {top}"
        yield f"  {middle}{''.join(aside)}{'   ' if told else ''}{'; '.join(told)}"
        yield f"  {bottom}"
        down = [edge for edge in edges if edge.source in layer and level[edge.target] == number + 1]
        if down:
            at = " " * (2 + cell_len(top) // 2)
            yield at + ("┊" if all(edge.conditional for edge in down) else "│")
            yield at + "▼"


def _aside(edges: Iterable[Edge], level: Mapping[str, int]) -> str:
    far = [edge for edge in edges if level[edge.target] > level[edge.source] + 1]
    if not far:
        return ""
    arrow = "┄┄▶" if all(edge.conditional for edge in far) else "──▶"
    return f" {arrow} {' or '.join(_name(edge.target) for edge in sorted(far, key=lambda edge: level[edge.target]))}"


def room_lines(rooms: Mapping[str, Sequence[str]], width: int) -> Iterator[str]:
    """Rooms side by side, with those who are in them; as many in a row as fit."""
    row: list[tuple[str, str, str]] = []
    for room, people in rooms.items():
        box = _box(one_line(", ".join(people)) or " ", f" {one_line(room)} ")
        if row and sum(cell_len(each[0]) + 1 for each in row) + cell_len(box[0]) + 2 > width:
            yield from _side_by_side(row)
            row = []
        row.append(box)
    yield from _side_by_side(row)


def _side_by_side(row: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    for parts in zip(*row, strict=True):
        yield "  " + " ".join(parts)


def _box(text: str, title: str) -> tuple[str, str, str]:
    size = max(cell_len(text) + 2, cell_len(title) + 2)
    spare = size - cell_len(text)
    left = spare // 2
    return (
        f"┌{title.center(size, '─')}┐",
        f"│{' ' * left}{text}{' ' * (spare - left)}│",
        f"└{'─' * size}┘",
    )


def _name(node: str) -> str:
    return one_line(node.strip("_"))
