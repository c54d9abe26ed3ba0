"""`--to preferences`: pairs that coders judged, the conversation that they preferred beside the other, one a line."""

from __future__ import annotations

import json

from tertulia.cli.errors import BadInput
from tertulia.cli.export.request import Request, left_out, plural, tell
from tertulia.cli.export.sft import file_of


def write(request: Request) -> None:
    """Records of all judged pairs of the chosen episodes."""
    from tertulia.storage.coding.keeping import heads, judged
    from tertulia.storage.coding.preferred import preferences

    chosen = request.choose()
    mine = [head for head in heads(request.log) if head.unit == "pair"]
    if not mine:
        raise BadInput(f"no judged pairs are in {request.log.target}; to make sheets for them: tertulia export --pairs")
    found = preferences(request.log, judged(request.log, mine), chosen.episodes, request.people)
    if not found.records:
        why = left_out(found.left_out) or "none of the judged pairs is of these episodes"
        raise BadInput(f"no preferences to export from {request.log.target}: {why}")
    with file_of(request) as file:
        for record in found.records:
            file.write(json.dumps(record, allow_nan=False) + "\n")
    chosen.left_out += found.left_out
    said = plural(len(found.records), "judged pair")
    tell(request, chosen, said, {"records": len(found.records), "left_out": dict(chosen.left_out)})
