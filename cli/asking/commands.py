"""What begins with a dot at the prompt: what there is to ask, and examples."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from textwrap import fill
from typing import TYPE_CHECKING

from tertulia.cli.errors import BadInput

if TYPE_CHECKING:
    from tertulia.storage.named import Named

COMMANDS = {
    ".schema": "[NAME]  what tables and views there are, or what the columns of one mean",
    ".views": "the views, with what each is",
    ".examples": "[VIEW]  questions to begin with",
    ".named": "[NAME]  queries with a name, or one of them with its parameters and its SQL",
    ".run": "NAME [key=value ...]  run one of these",
    ".help": "this",
    ".quit": "leave; Ctrl-D does too",
}


def columns_of() -> dict[str, list[str]]:
    """The columns of each view, then of each table."""
    from tertulia.storage.tables import METADATA
    from tertulia.storage.views import views

    of_tables = {name: [column.name for column in table.columns] for name, table in METADATA.tables.items()}
    return {view.name: list(view.columns) for view in views()} | of_tables


def tell(command: str, words: Sequence[str]) -> None:
    """Print what a command asks for. Raises `BadInput`, `QueryError`."""
    tellers: dict[str, Callable[[str | None], None]] = {
        ".schema": _schema, ".views": _views, ".examples": _examples, ".named": tell_named, ".help": _help,
    }  # fmt: skip
    if command not in tellers:
        from tertulia.storage.nearest import nearest

        raise BadInput(f"{command}: no such command; {nearest(command, list(COMMANDS))}")
    tellers[command](words[0] if words else None)


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    from tertulia.cli.display.console import width_of
    from tertulia.cli.display.table import folded_lines

    for line in folded_lines(columns, rows, width_of(sys.stdout), whole=columns[:1]):
        print(line)


def _first_sentence(about: str) -> str:
    return about.split(". ")[0].split(": ")[0].rstrip(".")


def _views(_: str | None) -> None:
    from tertulia.storage.views import views

    _table(("view", "what it is"), [(view.name, _first_sentence(view.about)) for view in views()])


def _schema(name: str | None) -> None:
    from tertulia.cli.display.console import width_of
    from tertulia.storage.nearest import nearest
    from tertulia.storage.tables import METADATA
    from tertulia.storage.views import views

    there = columns_of()
    if name is None:
        _table(("name", "kind", "columns"), [
            (one, "table" if one in METADATA.tables else "view", ", ".join(columns)) for one, columns in there.items()
        ])  # fmt: skip
        return
    if name not in there:
        raise BadInput(f"{name}: no such table or view; {nearest(name, list(there))}")
    view = next((view for view in views() if view.name == name), None)
    if view is not None:
        print(fill(view.about, width_of(sys.stdout) or 120))
        _table(("column", "meaning"), list(view.columns.items()))
    else:
        key = {column.name for column in METADATA.tables[name].primary_key}
        rows = [
            (column.name, type(column.type).__name__.lower() + (", key" if column.name in key else ""))
            for column in METADATA.tables[name].columns
        ]
        _table(("column", "type"), rows)


def _examples(name: str | None) -> None:
    from tertulia.storage.examples import EXAMPLES
    from tertulia.storage.nearest import nearest

    if name is not None and name not in EXAMPLES:
        raise BadInput(f"{name}: no such view; {nearest(name, list(EXAMPLES))}")
    for view, (about, sql) in EXAMPLES.items():
        if name in (None, view):
            print(f"-- {about}\n{sql};\n")


def list_named() -> list[tuple[str, str, str]]:
    """Name, what it answers in a sentence, and its parameters with what they are unless given."""
    from tertulia.storage.named import named

    return [
        (one.name, _first_sentence(one.about), " ".join(_params(one))) for one in sorted(named().values(), key=_by_name)
    ]


def _by_name(one: Named) -> str:
    return one.name


def _params(one: Named) -> list[str]:
    given = [f"{name}={'null' if param.default is None else param.default}" for name, param in one.params.items()]
    return [*given, *(["episode=", "batch="] if one.takes_episodes else [])]


def tell_named(name: str | None) -> None:
    """All queries with a name, or what one of them is."""
    from tertulia.cli.display.console import width_of
    from tertulia.cli.display.harmless import harmless
    from tertulia.storage.named import find_named

    if name is None:
        _table(("query", "what it answers", "parameters"), list_named())
        return
    one = find_named(name)
    print(fill(harmless(one.about), width_of(sys.stdout) or 120))
    rows = [(f":{name}", param.about, param.default) for name, param in one.params.items()]
    if one.takes_episodes:
        rows += [(":episode", "only this episode: an id, the beginning of one, or `last`", None)]
        rows += [(":batch", "only the episodes of this batch", None)]
    _table(("parameter", "what it is", "unless given"), rows)
    print()
    _table(("column", "meaning"), list(one.columns.items()))
    print(f"\n{harmless(one.sql.strip())}")


def given(pairs: Sequence[str]) -> dict[str, str]:
    """`key=value` each. Raises `BadInput`."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise BadInput(f"-p {pair}: right would be key=value, as in: -p episode=last")
        found[name] = value
    return found


def split(line: str) -> list[str]:
    """The words of a command. Raises `BadInput` for a quotation mark without its second."""
    try:
        return shlex.split(line)
    except ValueError as error:
        raise BadInput(f"{line}: {error}") from None


def _help(_: str | None) -> None:
    print("A statement ends with a semicolon and may go over several lines. It only ever reads.")
    print("Tab completes, Ctrl-C ends what is running, the arrow keys go through what was typed before.\n")
    width = max(map(len, COMMANDS))
    for name, about in COMMANDS.items():
        print(f"{name:<{width}}  {about}")
