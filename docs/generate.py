"""Writes the pages that are made from the code: `python docs/generate.py`. A test fails when they have drifted."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

HERE = Path(__file__).resolve().parent
MADE = "<!-- Made from the code by `make docs`; change the code, not this page. -->"


def pages() -> dict[Path, str]:
    """Every generated page and what it should hold."""
    return {
        HERE / "commands.md": commands_page(),
        HERE / "log.md": log_page(),
        HERE / "scenarios.md": scenarios_page(),
        HERE / "measures.md": measures_page(),
    }


def commands_page() -> str:
    """Every command with its help, as a terminal of 88 columns shows it."""
    from typer.main import get_command

    from tertulia.cli.main import make_app

    blocks = [f"## {name}\n\n```\n{text}\n```" for name, text in _help(get_command(make_app()), "tertulia", None)]
    about = "What `--help` says, command by command."
    return "\n\n".join([MADE, "# Commands", about, *blocks]) + "\n"


def _help(command: Any, name: str, parent: Any) -> Iterator[tuple[str, str]]:
    context = command.make_context(
        name, [], parent=parent, resilient_parsing=True, terminal_width=88, max_content_width=88
    )
    yield context.command_path, command.get_help(context).strip()
    for child in getattr(command, "commands", {}):
        yield from _help(command.commands[child], child, context)


def log_page() -> str:
    """Every view with its columns, and every table with what its rows mean."""
    from tertulia.storage.examples import EXAMPLES
    from tertulia.storage.tables import table_of
    from tertulia.storage.views import views

    parts = [
        MADE,
        "# The log",
        "One database, SQLite or PostgreSQL, with the same tables and views. Ask the views: they are stable. "
        "Times are UTC, probabilities 0-1, motivations 1.0-5.0, durations end in `_ms`. "
        "How large a log becomes, and how fast it answers: [log-size.md](log-size.md). "
        "Searching, queries with a name, and the prompt: [asking-the-log.md](asking-the-log.md).",
        "# Views",
    ]
    for view in views():
        rows = [f"| `{name}` | {_cell(meaning)} |" for name, meaning in view.columns.items()]
        parts += [f"## {view.name}", view.about, "\n".join(["| column | meaning |", "|---|---|", *rows])]
        question, sql = EXAMPLES[view.name]
        parts.append(f"For example, {question}:\n\n```sql\n{sql}\n```")
    parts.append("# Tables")
    for row_type in _row_types():
        table = table_of(row_type)
        about = " ".join((inspect.getdoc(row_type) or "").split())
        keys = {column.name for column in table.primary_key.columns}
        notes = _meanings(table.name) | {name: note for name, note in _notes(row_type).items() if note}
        rows = [
            f"| `{column.name}` | {_kind(column)}{', key' if column.name in keys else ''} "
            f"| {_cell(notes.get(column.name, ''))} |"
            for column in table.columns
        ]
        parts += [f"## {table.name}", about, "\n".join(["| column | type | |", "|---|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


def _meanings(table: str) -> dict[str, str]:
    """What the columns of a table mean where its row type leaves it to the name: from `templates/columns.yaml`, or as
    the view says that shows them."""
    import yaml

    from tertulia.storage.views import views

    said = yaml.safe_load((HERE / "templates" / "columns.yaml").read_text(encoding="utf-8"))
    shown = next((view.columns for view in views() if view.name == said["shown in"].get(table)), {})
    return {**said["everywhere"], **shown, **said.get(table, {})}


def measures_page() -> str:
    """What measures are, from the template; then each that ships, from its file."""
    from tertulia.storage.measures.catalogue import measures
    from tertulia.storage.measures.statistics import STATISTICS

    parts = [MADE, (HERE / "templates" / "measures.md").read_text(encoding="utf-8").strip()]
    family = ""
    for one in measures():
        if one.family != family:
            family = one.family
            parts.append(f"### {family.capitalize()}")
        facts = {
            "unit": one.unit, "range": one.range, "n": one.n, "number": STATISTICS[one.statistic].about,
            "never pooled": ", ".join(one.always), "`--by`": ", ".join(one.by), "source": one.source,
            "query": f"[{one.name}.sql](../storage/measures/sql/{one.name}.sql)",
        }  # fmt: skip
        listed = [f"- {key}: {value}" for key, value in facts.items() if value]
        parts += [f"**{one.name}**: {one.about}", "\n".join(listed)]
    return "\n\n".join(parts) + "\n"


def _row_types() -> list[Any]:
    from tertulia.storage.tables import ROWS

    return list(ROWS)


def _kind(column: Any) -> str:
    name = type(column.type).__name__
    return {"Text": "text", "Json": "JSON", "Utc": "time", "AutoString": "text"}.get(name, name.lower())


def scenarios_page() -> str:
    """How to write a scenario, from the template; then every key of a scenario file, ours and each world's."""
    from tertulia.environments.scenario.model import Participant, Scenario
    from tertulia.environments.worlds import WORLDS, load_world

    ours = [name for name in Scenario.model_fields if name not in ("params", "seats")]
    head = (HERE / "templates" / "scenarios.md").read_text(encoding="utf-8").strip()
    parts = [MADE, head, "# Keys of every scenario", _keys(Scenario, ours)]
    parts += ["## Each participant", "Beside the keys that the world adds.", _keys(Participant)]
    parts += [*_mind_parts(), *_gold_parts(), *_turns_parts(), *_ends_parts(), *_probes_parts(), *_people_parts()]
    for name in WORLDS:
        world, _ = load_world(name)
        least, most = world.seats_allowed
        seats = f"{least}" if least == most else f"{least} to {most}"
        own = [key for key in world.Params.model_fields if key not in ours]
        parts += [f"# The world {name}", _about(world), f"For {seats} participants.", "## Its keys"]
        parts += [_keys(world.Params, own), "## Its keys of each participant", _keys(world.Seat)]
        for path, model in _inner(world.Params, own):
            parts += [f"## {path}", _about(model), _keys(model)]
    return "\n\n".join(parts) + "\n"


def _mind_parts() -> list[str]:
    from tertulia.mind.faculties import SHIPPED
    from tertulia.mind.spec import PRESETS, MindSpec

    presets = [
        f"| `{name}` | {', '.join(preset.faculties)} | {preset.deliberation} | {_cell(preset.source)} |"
        for name, preset in PRESETS.items()
    ]
    faculties = [f"| `{name}` | {kind.phase} | {_cell(_line(kind))} |" for name, kind in SHIPPED.items()]
    return [
        "## mind",
        _about(MindSpec),
        _keys(MindSpec),
        "\n".join(["| preset | faculties | deliberation | |", "|---|---|---|---|", *presets]),
        "\n".join(["| faculty | phase | |", "|---|---|---|", *faculties]),
        "How to write one of your own: [own-faculty.md](own-faculty.md).",
    ]


def _gold_parts() -> list[str]:
    from tertulia.environments.gold.trust import RULES
    from tertulia.environments.scenario.model import GoldSpec

    rules = [f"| `{name}` | {_cell(_about(rule))} |" for name, rule in RULES.items()]
    return [
        "## gold",
        "What each participant should believe, computed turn by turn from what it witnessed and was told; no model "
        "reads it. An item on which all the rules agree is robust.",
        _keys(GoldSpec),
        "\n".join(["| rule | who believes what it is told |", "|---|---|", *rules]),
    ]


def _turns_parts() -> list[str]:
    from tertulia.environments.floor import POLICIES
    from tertulia.environments.scenario.model import TurnsSpec

    policies = [f"| `{name}` | {_cell(_about(policy))} |" for name, policy in POLICIES.items()]
    return ["## turns", _keys(TurnsSpec), "\n".join(["| policy | who has the floor |", "|---|---|", *policies])]


def _ends_parts() -> list[str]:
    from tertulia.environments.scenario.model import AllSilent, Condition

    rows = [
        "| `limit` | After `turns.limit` turns. |",
        "| `agreement` | When all who have not left are ready to part, one after the other. (table_talk) |",
        f"| `{{all_silent: 3}}` | {_notes(AllSilent)['all_silent']} |",
        f"| `{{condition: {{cake: cellar}}}}` | {_notes(Condition)['condition']} (table_talk) |",
    ]
    return ["## ends", "A list of these:", "\n".join(["| ending | |", "|---|---|", *rows])]


def _probes_parts() -> list[str]:
    from tertulia.environments.scenario.probes import NAMED, ProbeSpec

    questions = [
        f"| `{name}` | {_cell(text)}{' One of: ' + ', '.join(choices) + '.' if choices else ''} |"
        for name, (text, choices) in NAMED.items()
    ]
    named = "\n".join(["| question | |", "|---|---|", *questions])
    return ["## probes", _about(ProbeSpec), _keys(ProbeSpec), named, "What comes of them: [probing.md](probing.md)."]


def _people_parts() -> list[str]:
    from tertulia.environments.people.forms import FormItem
    from tertulia.environments.people.spec import LocalOnly, PeopleSpec, PersonQuestion

    inner = [("people.local_only", LocalOnly), ("people.questions.N", PersonQuestion), ("people.before.N", FormItem)]
    parts = [part for way, model in inner for part in (f"### {way}", _about(model), _keys(model))]
    return ["## people", _about(PeopleSpec), _keys(PeopleSpec), "More: [people.md](people.md).", *parts]


def _keys(model: Any, names: list[str] | None = None) -> str:
    """The keys of a model as a table: type, default, meaning."""
    notes = _notes(model)
    rows = []
    for name, field in model.model_fields.items():
        if names is None or name in names:
            default = "" if field.is_required() else _default(field.default)
            kind = _type_words(field.annotation, field.metadata)
            rows.append(f"| `{field.alias or name}` | {_cell(kind)} | {default} | {_cell(notes[name])} |")
    return "\n".join(["| key | type | default | |", "|---|---|---|---|", *rows]) if rows else "None."


def _default(value: Any) -> str:
    if value is None or isinstance(value, BaseModel):
        return "none" if value is None else "its own defaults"
    if isinstance(value, tuple | dict | bool):
        return f"`{json.dumps(value)}`".replace('"', "")
    return f"`{value}`" if value != "" else "empty"


def _type_words(kind: Any, metadata: Sequence[Any] = ()) -> str:
    """A type as it is written in YAML: `whole number, 1 to 4`, `list of text`."""
    if get_origin(kind) is Annotated:
        inner, *more = get_args(kind)
        return _type_words(inner, [*more, *metadata])
    limits = {key: _limit(metadata, key) for key in ("ge", "gt", "le", "lt")}
    if kind in (int, float):
        words = "whole number" if kind is int else "number"
        if limits["ge"] is not None and limits["le"] is not None:
            return f"{words}, {limits['ge']} to {limits['le']}"
        above = f", more than {limits['gt']}" if limits["gt"] is not None else ""
        return words + (f", {limits['ge']} or more" if limits["ge"] is not None else above)
    simple = {str: "text", bool: "true or false", Path: "path of a file", Any: "anything"}
    if kind in simple:
        return simple[kind]
    origin, arguments = get_origin(kind), [one for one in get_args(kind) if one not in (type(None), ...)]
    if origin is Literal:
        return " or ".join(f"`{one}`" for one in arguments)
    if origin in (tuple, list):
        return f"list of {_type_words(arguments[0])}"
    if origin is dict:
        return f"mapping from {_type_words(arguments[0])} to {_type_words(arguments[1])}"
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_type_words(one, metadata) for one in arguments))
    return "mapping"


def _limit(metadata: Sequence[Any], key: str) -> Any:
    found = [limit for one in metadata for limit in (one, *getattr(one, "metadata", ())) if hasattr(limit, key)]
    return next((getattr(limit, key) for limit in found), None)


def _inner(model: Any, names: list[str]) -> Iterator[tuple[str, Any]]:
    """The models within a model's fields, with how one writes the way to them: `variables.NAME`, `script.N`."""
    for name in names:
        for found, step in _models(model.model_fields[name].annotation, ""):
            yield f"{name}{step}", found


def _models(kind: Any, step: str) -> Iterator[tuple[Any, str]]:
    if inspect.isclass(kind) and issubclass(kind, BaseModel):
        yield kind, step
    steps = {dict: ".NAME", tuple: ".N", list: ".N"}
    for one in get_args(kind):
        yield from _models(one, step + steps.get(get_origin(kind), ""))


def _about(thing: Any) -> str:
    return " ".join((inspect.getdoc(thing) or "").split())


def _line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").split("\n\n")[0].replace("\n", " ")


def _notes(model: Any) -> dict[str, str]:
    """The docstring that stands below each field in the source, its bases' included."""
    notes: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base.__module__.startswith("tertulia."):
            [written] = ast.parse(textwrap.dedent(inspect.getsource(base))).body
            notes |= dict(_field_notes(written.body))  # type: ignore[attr-defined]
    return notes


def _field_notes(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for field, note in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(note, ast.Expr):
            yield field.target.id, " ".join(str(ast.literal_eval(note.value)).split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(HERE.parent))
