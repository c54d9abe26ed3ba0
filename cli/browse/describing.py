"""What the pages say about the log: its views and tables, column by column, and the queries that have a name."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any
from urllib.parse import urlencode

from tertulia.storage.examples import EXAMPLES
from tertulia.storage.named import Named, named
from tertulia.storage.tables import ROWS, table_of
from tertulia.storage.views import View, views

LOG = "log"
"""What the log is called in addresses: `/log/v_transcript`."""

_FACETS = {
    "v_outcomes": ["scenario", "batch", "cell", "status"],
    "v_transcript": ["kind", "actor"],
    "v_thoughts": ["holder", "status"],
    "v_calls": ["model", "purpose", "status"],
    "v_honesty": ["speaker", "category"],
    "v_probes": ["participant", "kind"],
}
"""What is worth counting beside a view."""


def described() -> dict[str, Any]:
    """Datasette's metadata. Raises `QueryError` for a query of one's own that cannot be read."""
    queries = named()
    tables = {view.name: _view(view) for view in views()}
    tables |= {table_of(row).name: {"description": _doc(row)} for row in ROWS}
    log = {
        "title": "The log",
        "description_html": _first_page(queries.values()),
        "tables": tables,
        "queries": {name: _query(one) for name, one in queries.items()},
    }
    return {"title": "tertulia", "databases": {LOG: log}}


def by_episode() -> frozenset[str]:
    """The views and queries whose page opens with the newest episode: a long log takes long to be read whole."""
    queries = [one.name for one in named().values() if one.takes_episodes]
    return frozenset([*queries, *(view.name for view in views() if view.name != "v_outcomes")])


def _view(view: View) -> dict[str, Any]:
    question, sql = EXAMPLES[view.name]
    asked = f'<a href="/{LOG}?{escape(urlencode({"sql": sql}))}">{escape(question)}</a>'
    more = f'It opens with the newest episode. <a href="/{LOG}/{view.name}?_size=100">All episodes</a>.'
    episodes = "" if view.name == "v_outcomes" else f"<p>{more}</p>"
    found: dict[str, Any] = {
        "description_html": f"<p>{_words(view.about)}</p><p>For example: {asked}</p>{episodes}{_columns(view.columns)}",
        "columns": {name: meaning.replace("`", "") for name, meaning in view.columns.items()},
        "facets": _FACETS.get(view.name, []),
    }
    return {**found, "sort_desc": "started"} if view.name == "v_outcomes" else found


def _query(one: Named) -> dict[str, Any]:
    about = [f"<p>{_words(one.about)}</p>"]
    takes = {"episode": "its id, the beginning of one, or last; empty: all", "batch": "a batch's id; empty: all"}
    params = takes if one.takes_episodes else {}
    params = {**params, **{name: f"{p.about} (empty: {p.default})" for name, p in one.params.items()}}
    if params:
        about.append(_list(f"<code>{escape(name)}</code>: {_words(text)}" for name, text in params.items()))
    if one.columns:
        about.append(_columns(one.columns))
    return {
        "sql": one.asking(), "params": list(params), "title": one.name, "description_html": "".join(about),
        "hide_sql": True,
    }  # fmt: skip


def _first_page(queries: Iterable[Named]) -> str:
    seen = (f'<a href="/{LOG}/{view.name}">{view.name}</a>: {_words(_sentence(view.about))}' for view in views())
    asked = (f'<a href="/{LOG}/{one.name}">{escape(one.name)}</a>: {_words(_sentence(one.about))}' for one in queries)
    return (
        f"<h2>Views</h2><p>What there is to see; every column is explained where it stands.</p>{_list(seen)}"
        f"<h2>Queries with a name</h2>{_list(asked)}"
        "<p>Times are UTC, probabilities 0-1, motivations 1.0-5.0. Further down: SQL of your own, which can only read, "
        "and the tables behind the views.</p>"
    )


def _columns(columns: Mapping[str, str]) -> str:
    """Folded, so that rows come first. Datasette's own list is not; it gives way, and stays in the columns' menus."""
    listed = _list(f"<code>{escape(name)}</code>: {_words(text)}" for name, text in columns.items())
    hidden = "<style>.column-descriptions { display: none }</style>"
    return f"{hidden}<details><summary>What its columns mean</summary>{listed}</details>"


def _list(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _words(text: str) -> str:
    """A text of ours, with what stands between backticks as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))


def _sentence(text: str) -> str:
    return text.partition(". ")[0].removesuffix(".") + "."


def _doc(row: type) -> str:
    return " ".join((inspect.getdoc(row) or "").split())
