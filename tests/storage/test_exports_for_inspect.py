"""Eval logs for Inspect: their structure always; read by Inspect itself where it is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tertulia.storage.exports.inspect_log import export_inspect
from tertulia.storage.log import Log
from tertulia.storage.record import Closing
from tertulia.storage.rows import ScoreRow
from tests.storage.made import (
    ID,
    START,
    a_call,
    a_thought,
    a_turn,
    a_witness,
    an_appraisal,
    an_episode,
    an_event,
    beliefs,
)  # fmt: skip

OTHER = "01ARZ3NDEKTSV4RRFFQ69G5FAW"
PROMPT = [{"role": "system", "content": "You are alice."}, {"role": "user", "content": "Speak. <script>"}]


async def fill(log: Log) -> None:
    """An episode that ended well, with a model's calls and scores, and one that failed."""
    await log.begin(an_episode(config={"premise": "Dinner \ud800"}))
    call = a_call(
        1, uri="openai/gpt-x", served_model="gpt-x-1", messages=PROMPT, reply='{"say": "Hi"}', input_tokens=10,
        cached_tokens=4, output_tokens=3, cost_usd=0.5, finish="length", latency_ms=1500.0,
        sampling={"temperature": 0.5, "max_tokens": 9, "odd": 1},
    )  # fmt: skip
    await log.record_call(call)
    failed = a_call(
        1, attempt=1, uri="openai/gpt-x", messages=PROMPT, status="error", error="429", cost_usd=None,
    )  # fmt: skip
    await log.record_call(failed)
    await log.commit(a_turn(0, an_event(0, "A table.", actor=None, kind="opening", origin="world")))
    await log.commit(
        a_turn(
            1, an_event(1, "Hi \x1b[2J", addressees=["bob"]), a_witness(1, "bob"), a_thought(1, "t1", "bob is late"),
            an_appraisal(1, "t1", "kept", 4.5), *beliefs(1, "alice>bob", "cake", here=0.25, there=0.75),
        )
    )  # fmt: skip
    closed = a_turn(2, closing=True)
    closed.closing = Closing("success", "solved", {"won": ["alice"]}, 1.0, START)
    await log.commit(closed)
    scores = [
        ScoreRow(id=f"s{n}", run="r", episode=ID, measure=measure, holder=holder, value=value, created_at=START)
        for n, (measure, holder, value) in enumerate(
            [("gini", None, 0.25), ("turn_share", "alice", 0.75), ("turn_share", "bob", 0.25), ("judge", "bob", None)]
        )
    ]
    await log.record(scores)
    await log.begin(an_episode(OTHER, scenario="haggle"))
    await log.close_episode(OTHER, "lease", Closing("error", "the model refused", None, None, START))


def opened(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The header and the samples, from either form."""
    if path.suffix == ".json":
        whole = json.loads(path.read_text("ascii"))
        return whole, whole.pop("samples")
    with ZipFile(path) as file:
        assert {"header.json", "summaries.json", "_journal/start.json"} <= set(file.namelist())
        samples = [json.loads(file.read(f"samples/{id}_epoch_1.json")) for id in (ID, OTHER)]
        summaries = json.loads(file.read("summaries.json"))
        assert [one["id"] for one in summaries] == [ID, OTHER]
        assert [one.get("error") for one in summaries] == [None, "the model refused"]
        return json.loads(file.read("header.json")), samples


@pytest.mark.parametrize("ending", ["eval", "json"])
async def test_an_episode_is_a_sample(log: Log, tmp_path: Path, ending: str) -> None:
    await fill(log)
    path = tmp_path / f"log.{ending}"
    assert export_inspect(log, [ID, OTHER], path, version="1.2") == 2
    header, [sample, failed] = opened(path)
    assert (header["version"], header["status"], header["eval"]["task"]) == (2, "success", "tertulia")
    assert header["eval"]["packages"] == {"tertulia": "1.2"}
    [score] = header["results"]["scores"]
    assert (score["scored_samples"], score["unscored_samples"], score["metrics"]["mean"]["value"]) == (1, 1, 1.0)
    assert sample["input"] == "Dinner \ufffd\n- alice: \n- bob: "
    assert [(one["role"], one["content"], one.get("model")) for one in sample["messages"]] == [
        ("user", "(A table.)", None), ("assistant", "alice to bob: Hi \x1b[2J", "rules"),
    ]  # fmt: skip
    assert sample["scores"] == {
        "reward": {"value": 1.0, "explanation": "solved"}, "gini": {"value": 0.25},
        "turn_share": {"value": {"alice": 0.75, "bob": 0.25}},
    }  # fmt: skip
    assert sample["metadata"]["outcome"] == {"won": ["alice"]}
    assert sample["model_usage"]["openai/gpt-x"] == {
        "input_tokens": 6, "output_tokens": 3, "total_tokens": 13, "input_tokens_cache_read": 4, "total_cost": 0.5,
    }  # fmt: skip
    assert failed["error"]["message"] == "the model refused"


async def test_what_went_on_inside_are_events_of_its_turn(log: Log, tmp_path: Path) -> None:
    await fill(log)
    export_inspect(log, [ID, OTHER], tmp_path / "log.json", version="1")
    _, [sample, _] = opened(tmp_path / "log.json")
    spans = [event["name"] for event in sample["events"] if event["event"] == "span_begin"]
    assert spans == ["turn 0", "turn 1", "turn 2"]
    asked, refused = [event for event in sample["events"] if event["event"] == "model"]
    assert asked["input"] == PROMPT
    assert (asked["role"], asked["output"]["completion"], asked["working_time"]) == ("alice", '{"say": "Hi"}', 1.5)
    assert asked["output"]["choices"][0]["stop_reason"] == "max_tokens"
    assert asked["config"] == {"temperature": 0.5, "max_tokens": 9}
    assert (refused["error"], refused["output"]["choices"]) == ("429", [])
    told = {event["source"]: event["data"] for event in sample["events"] if event["event"] == "info"}
    assert told["thought of alice"]["text"] == "bob is late"
    assert told["beliefs of alice"] == {"alice>bob: cake": {"here": 0.25, "there": 0.75}}
    within = {event["span_id"] for event in sample["events"] if event["event"] == "model"}
    assert within == {f"{ID}/turn1"}


@pytest.mark.parametrize("ending", ["eval", "json"])
async def test_inspect_reads_it(log: Log, tmp_path: Path, ending: str) -> None:
    """Run where inspect_ai is installed, which is not among what the project brings along."""
    inspect = pytest.importorskip("inspect_ai.log")
    await fill(log)
    path = tmp_path / f"log.{ending}"
    export_inspect(log, [ID, OTHER], path, version="1")
    whole = await inspect.read_eval_log_async(str(path))
    assert (whole.status, whole.eval.dataset.samples, whole.results.total_samples) == ("success", 2, 2)
    sample = next(one for one in whole.samples if one.id == ID)
    assert [message.text for message in sample.messages] == ["(A table.)", "alice to bob: Hi \x1b[2J"]
    assert sample.scores["turn_share"].value == {"alice": 0.75, "bob": 0.25}
    assert sample.model_usage["openai/gpt-x"].total_cost == 0.5
    assert {event.event for event in sample.events} == {"span_begin", "span_end", "info", "model"}
    listed = await inspect.read_eval_log_sample_summaries_async(str(path))
    assert sorted(str(one.id) for one in listed) == [ID, OTHER]
    header = await inspect.read_eval_log_async(str(path), header_only=True)
    assert header.results.scores[0].metrics["mean"].value == 1.0
