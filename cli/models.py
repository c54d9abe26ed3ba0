"""`tertulia models`: what can answer for agents."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import typer

from tertulia.cli.options import AsJson, Debug

models_app = typer.Typer(help="What can answer for the agents.", no_args_is_help=True)


@models_app.command("list")
def list_models(as_json: AsJson = False, debug: Debug = False) -> None:
    """List what can stand after --model.

    For each kind of model: what to write, whether it is ready, and what is missing.
    """
    from tertulia.agents.registry import describe_models

    infos = describe_models()
    if as_json:
        for info in infos:
            print(json.dumps(asdict(info)))
        return
    from tertulia.cli.display.console import width_of
    from tertulia.cli.display.table import folded_lines

    rows = [[info.example, "ready" if info.ready else "not yet", info.what, info.note] for info in infos]
    for line in folded_lines(("write", "now", "what answers", "what is missing"), rows, width_of(sys.stdout)):
        print(line)


def add_to(app: typer.Typer) -> None:
    app.add_typer(models_app, name="models")
