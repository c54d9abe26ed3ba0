"""Figure: the floor of an episode over time: who wanted it, who got it, who was cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tertulia.cli.errors import BadInput
from tertulia.cli.plot.figure import Drawn
from tertulia.cli.plot.look import legend
from tertulia.cli.plot.tables import many

if TYPE_CHECKING:
    from tertulia.storage.log import Log

COLUMNS = ("episode", "turn", "participant", "state", "motivation", "reason")
STATES = {
    "has the floor": ("#0072B2", "#0072B2", "circle"),
    "wants it, is not given it": ("white", "#0072B2", "circle"),
    "is interrupted": ("#D55E00", "#D55E00", "square"),
    "does not want it": ("#BBBBBB", "#BBBBBB", "stroke"),
}
"""Fill, outline and shape of each."""
_SQL = """SELECT episode, turn, participant,
  CASE WHEN interrupted = 1 THEN 'is interrupted' WHEN won = 1 THEN 'has the floor'
    WHEN wants = 1 THEN 'wants it, is not given it' ELSE 'does not want it' END AS state,
  motivation, reason
FROM v_floor
WHERE episode = '{episode}'
ORDER BY turn, participant"""


def floor(log: Log, episode: str, width_in: float) -> Drawn:
    """A row for each seat, in the order of the table."""
    sql = _SQL.format(episode=episode.replace("'", "''"))
    rows = [{**row, "size": row["motivation"] or 1.0} for row in log.query(sql).dicts()]
    if not rows:
        raise BadInput(f"there is nothing to plot: nobody has bid for the floor in episode {episode} yet")
    seats = [row.name for row in log.participants(episode)]
    says = f"the floor of episode {episode}: {many(len(rows), 'bid')} of {many(len(seats), 'seat')}; size is motivation"
    return Drawn("floor", _layers(rows, seats, width_in), rows, COLUMNS, sql, says, 1.3 + 0.36 * len(seats))


def _layers(rows: list[dict[str, Any]], seats: list[str], width_in: float) -> list[dict[str, Any]]:
    turns = sorted({row["turn"] for row in rows})
    there = [state for state in STATES if any(row["state"] == state for row in rows)]

    def scale(at: int) -> dict[str, Any]:
        return {"domain": there, "range": [STATES[state][at] for state in there]}

    x = {
        "field": "turn", "type": "quantitative", "title": "turn",
        "scale": {"domain": [turns[0] - 0.6, turns[-1] + 0.6], "nice": False, "zero": False},
        "axis": {"values": turns[:: -(-len(turns) // 20)], "format": "d", "grid": False},
    }  # fmt: skip
    one_legend = {**(legend(None, there, width_in) or {}), "symbolStrokeWidth": 1.3}
    marks = {
        "mark": {"type": "point", "opacity": 1, "strokeWidth": 1.3},
        "encoding": {
            "x": x,
            "y": {"field": "participant", "type": "nominal", "sort": seats, "title": None, "axis": {"grid": True}},
            "fill": {"field": "state", "type": "nominal", "scale": scale(0), "legend": one_legend},
            "stroke": {"field": "state", "type": "nominal", "scale": scale(1), "legend": one_legend},
            "shape": {"field": "state", "type": "nominal", "scale": scale(2), "legend": one_legend},
            "size": {
                "field": "size", "type": "quantitative", "legend": None,
                "scale": {"domain": [1, 5], "range": [20, 170], "zero": False, "clamp": True},
            },
        },
    }  # fmt: skip
    return [marks]
