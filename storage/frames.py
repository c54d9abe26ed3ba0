"""Answers of the log as pandas DataFrames, with dtypes that hang on what a column is and not on what stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tertulia.storage.errors import LogError, QueryError
from tertulia.storage.exports.columns import Kind, kind_of, kind_of_type
from tertulia.storage.named import find_named, named
from tertulia.storage.nearest import nearest
from tertulia.storage.tables import METADATA
from tertulia.storage.views import views

if TYPE_CHECKING:
    from pandas import DataFrame

    from tertulia.storage.log import Log

_AT_ONCE = 20_000
"""Rows that are Python objects at the same time."""
_MOST = 30_000
"""Values in one filter: as many as SQLite and PostgreSQL take."""
_ONE_NAME = re.compile(r"[\w-]+\Z")
_ORDER = (
    "episode", "turn", "take", "form", "participant", "holder", "speaker", "discloser", "purpose", "ordinal", "attempt",
    "event", "thought", "other", "chain", "variable", "estimator", "source", "probe", "elicited", "rule", "value",
    "model",
)  # fmt: skip
"""By these a view is put in order, as far as it has them."""

_DTYPES = {
    Kind.text: "str", Kind.json: "str", Kind.integer: "Int64", Kind.number: "float64", Kind.boolean: "boolean",
    Kind.time: "datetime64[us, UTC]",
}  # fmt: skip
_SAYS = {
    Kind.text: "a text", Kind.json: "a text", Kind.integer: "a whole number", Kind.number: "a number",
    Kind.boolean: "True or False",
}  # fmt: skip
_TAKES: dict[Kind, Any] = {
    Kind.text: str, Kind.json: str, Kind.integer: int, Kind.number: (int, float), Kind.boolean: (bool, int),
}  # fmt: skip


def frame(
    log: Log,
    what: str,
    params: Sequence[Any] | Mapping[str, Any] = (),
    *,
    episode: Any = None,
    batch: str | None = None,
    limit: int | None = None,
    where: Mapping[str, Any],
) -> DataFrame:
    """See `Log.df`."""
    need_pandas()
    name = what.strip()
    kinds = _kinds_of(name) if _ONE_NAME.match(name) else None
    if kinds is not None:
        if params:
            raise QueryError(f"{name} takes no parameters; to filter it, name a column: df('{name}', turn=3)")
        sql, bound = _select(log, name, kinds, episode, batch, where)
        return _asked(log, sql, bound, limit, kinds)
    if where:
        column = next(iter(where))
        raise QueryError(f"{column}=: a filter goes with a view or a table; a query has its own WHERE and parameters")
    if _ONE_NAME.match(name):
        return _named(log, name, params, episode, batch, limit)
    if episode is not None or batch is not None:
        which = "batch" if episode is None else "episode"
        raise QueryError(f"{which}=: goes with a view, a table or a named query; in SQL, write `WHERE {which} = ?`")
    if isinstance(params, Mapping | str):
        raise QueryError("params: SQL takes a list, one value for each `?`")
    return _asked(log, what, list(params), limit, {})


def need_pandas() -> Any:
    """The module. Raises `LogError` where the extra is missing."""
    try:
        import pandas
        import pyarrow  # noqa: F401  pandas keeps texts in it
    except ModuleNotFoundError:
        raise LogError("a DataFrame needs the extra: pip install 'tertulia[data]'") from None
    return pandas


def _kinds_of(name: str) -> dict[str, Kind] | None:
    """The columns of a view or a table, and what each holds; None where there is none of this name."""
    for view in views():
        if view.name == name:
            return {column: kind_of(name, column) for column in view.columns}
    if name not in METADATA.tables:
        return None
    return {column.name: kind_of_type(column.type) for column in METADATA.tables[name].columns}


def _named(
    log: Log, name: str, params: Sequence[Any] | Mapping[str, Any], episode: Any, batch: str | None, limit: int | None
) -> DataFrame:
    if name not in named():
        there = [*(view.name for view in views()), *METADATA.tables, *sorted(named())]
        raise QueryError(f"there is no view, table or named query '{name}'; {nearest(name, there)}")
    if params and not isinstance(params, Mapping):
        raise QueryError(f"params: {name} takes them by name, as in {{'most': 10}}")
    one = None if episode is None else ids_of(log, episode)
    if one is not None and len(one) != 1:
        raise QueryError(f"episode=: {name} is asked for one episode, or for all")
    given = {key: "null" if value is None else str(value) for key, value in dict(params).items()}
    whole = None if batch is None else log.batch(batch).id
    sql, bound = find_named(name).bound(given, log.target.dialect, episode=one[0] if one else None, batch=whole)
    return _asked(log, sql, bound, limit, {})


def _select(
    log: Log, name: str, kinds: Mapping[str, Kind], episode: Any, batch: str | None, where: Mapping[str, Any]
) -> tuple[str, list[Any]]:
    """All columns of a view or a table, under these conditions, in order."""
    conditions, bound = [], []
    of = "id" if name == "episode" else "episode"
    filters: dict[str, tuple[Kind, Sequence[Any]]] = {}
    if episode is not None:
        filters[of] = (Kind.text, ids_of(log, episode))
    for column, wanted in where.items():
        if column not in kinds:
            raise QueryError(f"{name} has no column '{column}'; {nearest(column, list(kinds), limit=16)}")
        filters[column] = (kinds[column], several(wanted))
    for column in filters:
        if column not in kinds:
            raise QueryError(f"{name} has no column '{column}': it is not kept by episode")
    for column, (kind, values) in filters.items():
        text, more = _one_of(name, column, kind, values)
        conditions.append(text)
        bound += more
    if batch is not None:
        if "batch" not in kinds and of not in kinds:
            raise QueryError(f"batch=: {name} is not kept by episode")
        conditions.append("batch = ?" if "batch" in kinds else f"{of} IN (SELECT id FROM episode WHERE batch = ?)")
        bound.append(log.batch(batch).id)
    only = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {', '.join(kinds)} FROM {name}{only}{_in_order(name, kinds)}", bound


def _in_order(name: str, kinds: Mapping[str, Kind]) -> str:
    table = METADATA.tables.get(name)
    keys = [column for column in _ORDER if column in kinds]
    if table is not None:
        own = [column.name for column in table.primary_key.columns]
        keys = list(dict.fromkeys([*own[:1], *(["turn"] if "turn" in kinds else []), *own]))
    return f" ORDER BY {', '.join(keys)}" if keys else ""


def ids_of(log: Log, wanted: Any) -> list[str]:
    """Ids of episodes: given whole or by their beginning, as `last`, as results, or as several of these."""
    found = []
    for one in several(wanted):
        one = getattr(one, "episode", one)
        if not isinstance(one, str):
            raise QueryError(f"episode={one!r}: right would be an id, the beginning of one, 'last', or a list of these")
        newest = log.episodes(1) if one == "last" else []
        found.append(newest[0].id if newest else log.episode(one).id)
    return found


def several(wanted: Any) -> list[Any]:
    """One value, or what several there are, as a list."""
    single = isinstance(wanted, str | bytes) or not isinstance(wanted, Iterable)
    return [wanted] if single else list(wanted)


def _one_of(name: str, column: str, kind: Kind, values: Sequence[Any]) -> tuple[str, list[Any]]:
    """A condition that a column holds one of these values; None is NULL."""
    if len(values) > _MOST:
        raise QueryError(f"{column}=: {len(values)} values are more than {_MOST}; ask in several steps, or by batch=")
    plain = [value.item() if hasattr(value, "item") else value for value in values]
    bound = [_value(name, column, kind, value) for value in plain if value is not None]
    marks = ", ".join("?" * len(bound))
    parts = [f"{column} IN ({marks})"] if bound else []
    parts += [f"{column} IS NULL"] if len(bound) < len(plain) else []
    return f"({' OR '.join(parts) or '1 = 0'})", bound


def _value(name: str, column: str, kind: Kind, value: Any) -> Any:
    if kind == Kind.time:
        raise QueryError(f"{column}=: ask for a span of time in SQL, or filter the frame by it")
    if not isinstance(value, _TAKES[kind]) or (kind in (Kind.integer, Kind.number) and isinstance(value, bool)):
        raise QueryError(f"{column}={value!r}: {column} of {name} is {_SAYS[kind]}")
    if kind == Kind.boolean:  # a table has truth values, a view has 1 and 0
        return bool(value) if name in METADATA.tables else int(value)
    return value


def _asked(log: Log, sql: str, bound: Sequence[Any], limit: int | None, kinds: Mapping[str, Kind]) -> DataFrame:
    """The answer, made column by column out of pieces, so that few rows are Python objects at a time."""
    pandas = need_pandas()
    names: tuple[str, ...] = ()
    pieces: list[list[Any]] = []

    def take(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
        nonlocal names
        names = columns
        across = zip(*rows, strict=True) if rows else ((),) * len(columns)
        pieces.append([_array(pandas, kinds.get(name), values) for name, values in zip(columns, across, strict=True)])

    log.query_each(sql, bound, take, limit=limit, at_once=_AT_ONCE)
    whole = []
    for place in range(len(names)):
        some = [pandas.Series(piece[place]) for piece in pieces]
        pieces_of_it = [one for one in some if len(one)] or some[:1]
        whole.append(_joined(pandas, pieces_of_it))
    found = pandas.concat(whole, axis=1) if whole else pandas.DataFrame()
    found.columns = list(names)
    return found


def _joined(pandas: Any, some: Sequence[Any]) -> Any:
    """The pieces of one column of an answer whose columns' kinds are not known may differ: numbers become the wider."""
    kinds = {str(one.dtype) for one in some}
    if kinds > {"object"}:  # a piece with nothing but NULL takes the others' kind
        [*others] = kinds - {"object"}
        if len(others) == 1 and all(one.isna().all() for one in some if str(one.dtype) == "object"):
            some = [one.astype(others[0]) if str(one.dtype) == "object" else one for one in some]
    if kinds == {"Int64", "float64"}:
        some = [one.astype("float64") for one in some]
    return some[0] if len(some) == 1 else pandas.concat(some, ignore_index=True)


def _array(pandas: Any, kind: Kind | None, values: Sequence[Any]) -> Any:
    if kind is None:
        kind = _found(values)
    if kind is None:
        return pandas.array(list(values), dtype="object")
    if kind == Kind.time:
        return pandas.to_datetime(pandas.Series(list(values), dtype="object"), utc=True).dt.as_unit("us").array
    if kind == Kind.number:
        return pandas.array([float("nan") if value is None else float(value) for value in values], dtype="float64")
    if kind == Kind.boolean:
        return pandas.array([None if value is None else bool(value) for value in values], dtype="boolean")
    try:
        return pandas.array(list(values), dtype=_DTYPES[kind])
    except UnicodeEncodeError:  # a lone surrogate: no text of Arrow, no file and no browser takes it
        shown = [None if one is None else one.encode("utf-8", "backslashreplace").decode() for one in values]
        return pandas.array(shown, dtype="str")


def _found(values: Sequence[Any]) -> Kind | None:
    """What the values of an answer are, where no column says it; None for nothing but NULL, and for a mixture."""
    types = {type(value) for value in values} - {type(None)}
    if types <= {int, float}:
        large = any(isinstance(value, int) and abs(value) >= 2**63 for value in values)
        return None if not types or large else Kind.number if float in types else Kind.integer
    return Kind.text if types == {str} else None
