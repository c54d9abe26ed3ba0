"""Queries with a name: those shipped in `queries/`, and a user's own.

One file each. It begins with a comment that says what it answers, then a line for each parameter,
`-- :name = default -- what it is`, and holds one SELECT whose columns are explained where they stand. In it, `:name` is
a parameter's value, and `{these}(x.episode)` the condition that keeps it to the episode or the batch that is asked for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tertulia.storage.errors import QueryError
from tertulia.storage.nearest import nearest
from tertulia.storage.views import COLUMN, spelled

VARIABLE = "TERTULIA_QUERIES"
"""The environment variable with folders of one's own queries; `./queries` unless it is set."""

SHIPPED = Path(__file__).parent / "queries"
Value = str | int | float | None

_HEAD = re.compile(r"\A(?:--.*(?:\n|\Z))*")
_PARAM = re.compile(r"^-- :(\w+) = (\S+)(?: -- (.*))?$")
_NAME = re.compile(r"[\w-]+\Z")
_PLACES = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | :: | :(?P<param>[A-Za-z_]\w*)
    | \{these\}\((?P<these>[\w.]+)\)""",
    re.DOTALL | re.VERBOSE,
)


THESE = (
    "SELECT id FROM episode WHERE (substr(id, 1, length(:episode)) = upper(:episode) OR lower(:episode) = 'last'"
    " AND id = (SELECT id FROM episode ORDER BY created_at DESC, id DESC LIMIT 1)) AND (:batch = '' OR batch = :batch)"
)
"""Selects the episodes that a form asks for, in which an empty field is all."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that a query can be given."""

    default: Value
    about: str

    def read(self, name: str, given: str) -> Value:
        """What was typed, as the kind of value that the default is; `null` is NULL. Raises `QueryError`."""
        if given == "null":
            return None
        if self.default is None or isinstance(self.default, str):
            return given
        try:
            return type(self.default)(given)
        except ValueError:
            kind = "a whole number" if isinstance(self.default, int) else "a number"
            raise QueryError(f"-p {name}={given}: {name} is {kind}, as in {name}={self.default}") from None


@dataclass(frozen=True, slots=True)
class Named:
    """A query: what it answers, its parameters, what its columns mean, and its text."""

    name: str
    about: str
    params: dict[str, Parameter]
    columns: dict[str, str]
    sql: str
    path: Path

    @property
    def own(self) -> bool:
        """Whether it is the user's."""
        return self.path.parent != SHIPPED

    def bound(
        self, given: Mapping[str, str], dialect: str, *, episode: str | None = None, batch: str | None = None
    ) -> tuple[str, list[Value]]:
        """The statement with `?`, and its values. Raises `QueryError` for a parameter it does not have."""
        for name in given:
            if name not in self.params:
                others = [*self.params, *(("episode", "batch") if "{these}" in self.sql else ())]
                raise QueryError(f"-p {name}: {self.name} has no such parameter; {nearest(name, others)}")
        values = {
            name: param.read(name, given[name]) if name in given else param.default
            for name, param in self.params.items()
        }
        bound: list[Value] = []

        def put(found: re.Match[str]) -> str:
            if found["these"]:
                conditions = []
                if episode is not None:
                    conditions.append(f"{found['these']} = ?")
                    bound.append(episode)
                if batch is not None:
                    conditions.append(f"{found['these']} IN (SELECT id FROM episode WHERE batch = ?)")
                    bound.append(batch)
                return " AND ".join(conditions) or "1 = 1"
            if found["param"] is None:
                return found[0]
            if found["param"] not in values:
                raise QueryError(
                    f"{self.path}: :{found['param']} is not declared; right would be, at the top of the file:"
                    f" -- :{found['param']} = 1 -- what it is"
                )
            bound.append(values[found["param"]])
            return "?"

        # A comment goes: a sign in it is no parameter, on any database.
        plain = _PLACES.sub(lambda found: "" if found[0].startswith("--") else found[0], self.sql)
        sql = _PLACES.sub(put, spelled(plain, dialect))
        if not self.takes_episodes and (episode is not None or batch is not None):
            raise QueryError(f"{self.name} cannot be kept to an episode or a batch: it has no {{these}}(x.episode)")
        return sql.strip().rstrip(";"), bound

    def asking(self) -> str:
        """The statement for SQLite with its parameters by name, for a form that gives each as a text: an empty one is
        its default, `:episode` and `:batch` keep it to these."""

        def put(found: re.Match[str]) -> str:
            if found["these"]:
                return f"{found['these']} IN ({THESE})"
            if found["param"] is None or found["param"] not in self.params:
                return "" if found[0].startswith("--") else found[0]
            default = self.params[found["param"]].default
            given = f"nullif({found[0]}, '')"
            if default is None:
                return given
            if isinstance(default, str):
                quoted = default.replace("'", "''")
                return f"coalesce({given}, '{quoted}')"
            return f"CAST(coalesce({given}, {default}) AS {'REAL' if isinstance(default, float) else 'INTEGER'})"

        return _PLACES.sub(put, spelled(self.sql, "sqlite")).strip().rstrip(";")

    @property
    def takes_episodes(self) -> bool:
        """Whether it can be kept to an episode or a batch."""
        return "{these}" in self.sql


def named() -> dict[str, Named]:
    """All queries by name, a user's own before a shipped one of the same name."""
    return {path.stem: _read(path) for folder in (SHIPPED, *_folders()) for path in sorted(folder.glob("*.sql"))}


def find_named(name: str) -> Named:
    """Raises `QueryError` for one that there is not."""
    there = named()
    if name not in there:
        raise QueryError(f"there is no query '{name}'; {nearest(name, sorted(there))}; all: tertulia sql --list")
    return there[name]


def _folders() -> Iterator[Path]:
    """The user's folders; what comes first counts."""
    given = os.environ.get(VARIABLE)
    folders = [Path(part) for part in given.split(os.pathsep) if part] if given is not None else [Path("queries")]
    for folder in reversed(folders):
        if folder.is_dir():
            yield folder
        elif given is not None:
            raise QueryError(f"{VARIABLE}: there is no folder {folder}")


def _read(path: Path) -> Named:
    if not _NAME.match(path.stem):
        raise QueryError(f"{path}: a query's name is made of letters, digits, - and _")
    try:
        sql = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"{path}: cannot be read as text ({error})") from error
    about: list[str] = []
    params: dict[str, Parameter] = {}
    head = _HEAD.match(sql)
    for line in (head[0] if head else "").splitlines():
        found = _PARAM.match(line)
        if found is not None:
            params[found[1]] = Parameter(_default(found[2]), found[3] or "")
        else:
            about.append(line.removeprefix("--").strip())
    return Named(path.stem, " ".join(about).strip(), params, dict(COLUMN.findall(sql)), sql, path)


def _default(text: str) -> Value:
    """A number, `null`, or a text, in quotation marks or not."""
    if text == "null":
        return None
    for kind in (int, float):
        try:
            value: Any = kind(text)
        except ValueError:
            continue
        return value  # type: ignore[no-any-return]
    return text.strip("'\"")
