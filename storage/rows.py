"""What one turn leaves behind, as plain typed rows: the words of the log, declared once.

`tables.py` binds each row type to a table of the same name. A row's key is natural and assigned by us
(episode, turn, ordinal), so that a turn can be built in memory and committed whole.
Probabilities are 0-1, motivations 1.0-5.0, times are UTC, durations end in `_ms`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import BigInteger, false
from sqlmodel import Field, SQLModel

from tertulia.storage.made import Made
from tertulia.storage.types import Json, Text, Utc

EpisodeStatus = Literal["running", "paused", "success", "degraded", "error", "cancelled"]
Level = Literal["content", "occurrence"]
Established = Literal["scripted", "rules", "declared", "extracted", "person"]
Estimator = Literal["rules", "verbalised", "choice", "sampled", "person", "set"]
ThoughtStatus = Literal["formed", "kept", "spoken", "dropped", "expired"]
CallStatus = Literal["ok", "repaired", "invalid", "error", "fallback"]

WORLD = "world"
"""The chain under which gold rows keep the truth itself; no participant may take this name."""


class Variable(BaseModel):
    """Something that can be believed: a name and its finite values, with the world's truth where it has one.

    `static` says the truth never changes in this episode.
    `holder` limits a private variable to one participant (its values range over that participant's own knowledge).
    """

    model_config = ConfigDict(frozen=True)

    name: str
    values: tuple[str, ...]
    truth: str | None = None
    static: bool = False
    truthful: bool = False
    """Speakers do not lie about it here; with `static`, a rejected value is exactly 0 and stays so."""
    holder: str | None = None
    say: str | None = None
    """How the value is put into words, with `{value}`; for example "The cake is in the {value}."."""
    known_to: tuple[str, ...] = ()
    """Those who always know its value, as everybody knows: what Alice thinks Bob believes about Bob's own priorities
    is what Alice believes about them."""
    momentary: bool = False
    """It is about the next act of somebody (`bob.next`): what was true of it says nothing certain of what will be."""


class Row(Made, SQLModel):
    """The base of all rows."""


class BatchRow(Row):
    """Many episodes from one grid."""

    id: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    grid: Any = Field(default=None, sa_type=Json)
    created_at: datetime = Field(sa_type=Utc)


class EpisodeRow(Row):
    """One play of a scenario with one seed. `head` is the last committed turn; -1 before the first."""

    id: str = Field(primary_key=True, sa_type=Text)
    scenario: str = Field(sa_type=Text)
    world: str = Field(sa_type=Text)
    config: Any = Field(sa_type=Json)
    """The resolved scenario, all defaults written out: what `resume` plays on."""
    seed: int = Field(sa_type=BigInteger)
    batch: str | None = Field(default=None, sa_type=Text)
    cell: str | None = Field(default=None, sa_type=Text)
    replicate: int = 0
    parent_episode: str | None = Field(default=None, sa_type=Text)
    parent_turn: int | None = None
    head: int = -1
    lease: str | None = Field(default=None, sa_type=Text)
    """The token of the worker that leads the episode; a commit that carries another token is refused."""
    lease_until: datetime | None = Field(default=None, sa_type=Utc)
    status: str = Field(default="running", sa_type=Text)
    reason: str | None = Field(default=None, sa_type=Text)
    """Why it ended or paused: `limit`, `agreement`, `solved`, `all_silent`, or an error in words."""
    outcome: Any = Field(default=None, sa_type=Json)
    reward: float | None = None
    versions: Any = Field(default=None, sa_type=Json)
    """What it was begun with: package versions, the git revision and a hash of our own code, a hash of every faculty's
    instruction, and what each model is (the address of its server, a hash of its files, its commit). What was changed
    and accepted later stands in `intervention`."""
    created_at: datetime = Field(sa_type=Utc)
    ended_at: datetime | None = Field(default=None, sa_type=Utc)


class ParticipantRow(Row):
    """A seat in an episode, taken by an agent or a person."""

    episode: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(primary_key=True, sa_type=Text)
    ordinal: int
    kind: str = Field(default="agent", sa_type=Text)
    persona: str | None = Field(default=None, sa_type=Text)
    goal: str | None = Field(default=None, sa_type=Text)
    model: str = Field(sa_type=Text)
    mind: Any = Field(default=None, sa_type=Json)
    pseudonym: str | None = Field(default=None, sa_type=Text)


class TurnRow(Row):
    """One committed step of an episode. `actions` maps each admitted participant to its action."""

    episode: str = Field(primary_key=True, sa_type=Text)
    turn: int = Field(primary_key=True)
    take: int = 0
    policy: str = Field(sa_type=Text)
    actions: Any = Field(default_factory=dict, sa_type=Json)
    silent: bool = False
    closing: bool = False
    """A closing turn admits nobody: every mind takes in the last event."""
    state_hash: str | None = Field(default=None, sa_type=Text)
    started_at: datetime = Field(sa_type=Utc)
    wall_ms: float = 0.0
    clock_s: float | None = None
    """When it began on the conversation's own clock: seconds since the opening, simulated, or real where people
    play."""
    lasted_s: float | None = None
    """How long it took on that clock."""


class EventRow(Row):
    """Something that happened in a turn. Its id within the episode is `turn.ordinal`."""

    episode: str = Field(primary_key=True, sa_type=Text)
    turn: int = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    kind: str = Field(sa_type=Text)
    actor: str | None = Field(default=None, sa_type=Text)
    text: str = Field(sa_type=Text)
    """What those who get its content hear or see."""
    occurrence: str | None = Field(default=None, sa_type=Text)
    """What those see who only notice that it happened."""
    addressees: Any = Field(default=None, sa_type=Json)
    place: str | None = Field(default=None, sa_type=Text)
    data: Any = Field(default=None, sa_type=Json)
    origin: str = Field(default="participant", sa_type=Text)
    """`participant`, `scripted`, `world`; `floor` for a silence that those present notice."""


class WitnessRow(Row):
    """Who witnessed an event, at which level, and who noticed them witnessing."""

    episode: str = Field(primary_key=True, sa_type=Text)
    turn: int = Field(primary_key=True)
    event: int = Field(primary_key=True)
    participant: str = Field(primary_key=True, sa_type=Text)
    level: str = Field(sa_type=Text)
    noticed_by: Any = Field(default_factory=list, sa_type=Json)


class ClaimRow(Row):
    """An assertion `variable = value` made by an event; `holds` is False for "it is not so".

    With a `believer` it asserts what that participant believes: so a model of somebody's mind becomes visible.
    """

    episode: str = Field(primary_key=True, sa_type=Text)
    turn: int = Field(primary_key=True)
    event: int = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    speaker: str | None = Field(default=None, sa_type=Text)
    variable: str = Field(sa_type=Text)
    value: str = Field(sa_type=Text)
    holds: bool = True
    established: str = Field(sa_type=Text)
    believer: str | None = Field(default=None, sa_type=Text)
    """Whose belief it is said to be; None where it is said to be so."""


class ObservationRow(Row):
    """What the world shows one participant in private, written when it changes."""

    episode: str = Field(primary_key=True, sa_type=Text)
    turn: int = Field(primary_key=True)
    participant: str = Field(primary_key=True, sa_type=Text)
    text: str = Field(sa_type=Text)
    data: Any = Field(default=None, sa_type=Json)


class ThoughtRow(Row):
    """A private candidate contribution, at the turn it was formed. Its later life is in `appraisal`."""

    episode: str = Field(primary_key=True, sa_type=Text)
    holder: str = Field(primary_key=True, sa_type=Text)
    thought: str = Field(primary_key=True, sa_type=Text)
    turn: int
    system: int
    text: str = Field(sa_type=Text)
    stimuli: Any = Field(default_factory=list, sa_type=Json)
    call: str | None = Field(default=None, sa_type=Text)


class AppraisalRow(Row):
    """How much a thought wanted to be said at a turn, and what became of it. Scores are 1.0-5.0."""

    episode: str = Field(primary_key=True, sa_type=Text)
    turn: int = Field(primary_key=True)
    holder: str = Field(primary_key=True, sa_type=Text)
    thought: str = Field(primary_key=True, sa_type=Text)
    status: str = Field(sa_type=Text)
    motivation: float
    relevance: float | None = None
    information_gap: float | None = None
    fills_gap: float | None = None
    expected_impact: float | None = None
    urgency: float | None = None
    coherence: float | None = None
    originality: float | None = None
    balance: float | None = None
    dynamics: float | None = None
    reason_for: str | None = Field(default=None, sa_type=Text)
    reason_against: str | None = Field(default=None, sa_type=Text)
    call: str | None = Field(default=None, sa_type=Text)


class BidRow(Row):
    """A participant's wish for the floor and what the floor made of it."""

    episode: str = Field(primary_key=True, sa_type=Text)
    turn: int = Field(primary_key=True)
    participant: str = Field(primary_key=True, sa_type=Text)
    wants: bool
    """Would speak or act if it were its turn."""
    volunteers: bool = False
    """Is motivated enough to take an open floor by itself."""
    motivation: float | None = None
    """1.0-5.0; None for one who does not want the floor, and for a person."""
    thought: str | None = Field(default=None, sa_type=Text)
    addressee: str | None = Field(default=None, sa_type=Text)
    won: bool = False
    reason: str = Field(sa_type=Text)
    """Why it won, lost, or did not want to speak."""
    interrupts: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Is motivated enough to take a floor that was given to another."""
    strength: float | None = None
    """What the floor compared: the motivation; with `turns.normalise` its standing among this participant's own earlier
    bids, 0-1."""
    interrupted: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """The floor had been given to it, and another took it; it counts as addressed in the next turn."""


class BeliefRow(Row):
    """One value of one changed distribution; a change writes the full distribution, nothing is overwritten."""

    episode: str = Field(primary_key=True, sa_type=Text)
    turn: int = Field(primary_key=True)
    holder: str = Field(primary_key=True, sa_type=Text)
    chain: str = Field(primary_key=True, sa_type=Text)
    variable: str = Field(primary_key=True, sa_type=Text)
    value: str = Field(primary_key=True, sa_type=Text)
    probability: float
    estimator: str = Field(sa_type=Text)
    declared: bool = True
    """False for an open proposition, private to its holder."""
    source_event: str | None = Field(default=None, sa_type=Text)
    call: str | None = Field(default=None, sa_type=Text)


class GoldRow(Row):
    """What should be believed along a chain, computed from witnesses and claims. Chain `world` is the truth."""

    episode: str = Field(primary_key=True, sa_type=Text)
    turn: int = Field(primary_key=True)
    chain: str = Field(primary_key=True, sa_type=Text)
    variable: str = Field(primary_key=True, sa_type=Text)
    value: str = Field(primary_key=True, sa_type=Text)
    rule: str = Field(default="none", primary_key=True, sa_type=Text)
    probability: float
    basis: str = Field(sa_type=Text)
    """`witnessed`, `told` or `prior`: what the distribution rests on; `world` for the truth."""
    robust: bool | None = None
    """Whether all trust rules agree on the distribution; None for the truth."""
    established: str | None = Field(default=None, sa_type=Text)
    """For `told`: how the claim that moved it last was established."""
    source_event: str | None = Field(default=None, sa_type=Text)
    """The event (`turn.ordinal`) that moved it last; None for what was so from the start."""


class MemoryRow(Row):
    """Something a mind keeps: `episodic` (what it lived through) or `semantic` (what it knows)."""

    episode: str = Field(primary_key=True, sa_type=Text)
    holder: str = Field(primary_key=True, sa_type=Text)
    memory: str = Field(primary_key=True, sa_type=Text)
    turn: int
    kind: str = Field(sa_type=Text)
    text: str = Field(sa_type=Text)
    source_event: str | None = Field(default=None, sa_type=Text)
    weight: float = 1.0


class RecallRow(Row):
    """What came to mind at a turn, memories and earlier thoughts, with its saliency (0-1); logged, never recomputed on
    replay."""

    episode: str = Field(primary_key=True, sa_type=Text)
    turn: int = Field(primary_key=True)
    holder: str = Field(primary_key=True, sa_type=Text)
    memory: str = Field(primary_key=True, sa_type=Text)
    """The id of the memory or the thought."""
    rank: int
    saliency: float
    """Similarity to what was heard or to its interpretation, times weight, times decay since it last came to mind."""
    kind: str = Field(default="memory", sa_type=Text)
    """`memory` or `thought`."""
    method: str = Field(default="lexical", sa_type=Text)
    """What similarity was measured by: `lexical` (BM25), or the URI of the embedding model."""


class WorkspaceRow(Row):
    """An inner element that stood for selection; only selected ones entered the prompt."""

    episode: str = Field(primary_key=True, sa_type=Text)
    turn: int = Field(primary_key=True)
    holder: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(primary_key=True, sa_type=Text)
    element: str = Field(primary_key=True, sa_type=Text)
    rank: int
    score: float
    selected: bool


class MindDeltaRow(Row):
    """What a faculty keeps beyond beliefs, thoughts and memories."""

    episode: str = Field(primary_key=True, sa_type=Text)
    turn: int = Field(primary_key=True)
    holder: str = Field(primary_key=True, sa_type=Text)
    faculty: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(primary_key=True, sa_type=Text)
    value: Any = Field(default=None, sa_type=Json)


class CallRow(Row):
    """One attempt at one request to a model: what went in, what came out, what it cost.

    `call` is `turn/take/participant/purpose/ordinal/attempt`: the id that thoughts and beliefs point to.
    """

    episode: str = Field(primary_key=True, sa_type=Text)
    call: str = Field(primary_key=True, sa_type=Text)
    turn: int
    take: int
    participant: str = Field(sa_type=Text)
    purpose: str = Field(sa_type=Text)
    ordinal: int
    attempt: int
    hash: str = Field(sa_type=Text)
    """SHA-256 of the canonical JSON of URI, messages, schema and sampling."""
    uri: str = Field(sa_type=Text)
    messages: Any = Field(default=None, sa_type=Json)
    """What the model read; empty for `rules`, which reads typed inputs instead."""
    schema_name: str = Field(sa_type=Text)
    sampling: Any = Field(default=None, sa_type=Json)
    reply: str | None = Field(default=None, sa_type=Text)
    status: str = Field(sa_type=Text)
    error: str | None = Field(default=None, sa_type=Text)
    served_model: str | None = Field(default=None, sa_type=Text)
    fingerprint: str | None = Field(default=None, sa_type=Text)
    finish: str | None = Field(default=None, sa_type=Text)
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    """None where the price is unknown."""
    started_at: datetime = Field(sa_type=Utc)
    latency_ms: float = 0.0
    base: str | None = Field(default=None, sa_type=Text)
    """In the table only, for messages that are not kept whole: the call of the same episode whose JSON of `messages`
    begins as theirs does. Rows that are read back have their messages; in SQL they are in `v_prompts`."""
    shared: int | None = None
    """How many characters of that JSON they share."""
    rest: str | None = Field(default=None, sa_type=Text)
    """What follows in theirs."""


class ProbeRow(Row):
    """A question put to a copied mind, out of band: the episode does not know that it was asked. Or, with the kind
    `person`, one put to a person at the table: a treatment, kept whether or not it was answered.

    The mind is that of `turn` before it deliberated: it covers the events before the turn, as beliefs of the turn do.
    """

    episode: str = Field(primary_key=True, sa_type=Text)
    turn: int = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    participant: str = Field(sa_type=Text)
    kind: str = Field(default="ask", sa_type=Text)
    """`ask` for a question in words, `beliefs` for distributions (their rows stand in `probe_belief`); `person` for a
    question to the person in the seat, who knows that it was asked (what they believe stands in `belief`)."""
    about: str | None = Field(default=None, sa_type=Text)
    """The other participant a question is about, where it is about one."""
    question: str = Field(sa_type=Text)
    answer: Any = Field(default=None, sa_type=Json)
    """None where no valid answer came: a declared fallback, with the reason in `error`."""
    error: str | None = Field(default=None, sa_type=Text)
    scheduled: bool = False
    """Asked by the scenario while it was played; False where somebody asked afterwards."""
    model: str = Field(sa_type=Text)
    call: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=Utc)
    chain: str | None = Field(default=None, sa_type=Text)
    """For `person`: the chain that was asked about."""
    variable: str | None = Field(default=None, sa_type=Text)
    """For `person`: the variable that was asked about."""
    options: Any = Field(default=None, sa_type=Json)
    """For `person`: the values in the order in which they were offered."""


class ProbeBeliefRow(Row):
    """One value of a distribution that a copied mind stated when it was probed."""

    episode: str = Field(primary_key=True, sa_type=Text)
    turn: int = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    """That of the probe."""
    holder: str = Field(sa_type=Text)
    chain: str = Field(primary_key=True, sa_type=Text)
    variable: str = Field(primary_key=True, sa_type=Text)
    value: str = Field(primary_key=True, sa_type=Text)
    probability: float
    estimator: str = Field(sa_type=Text)


class InterventionRow(Row):
    """A change made from outside before `turn` was played: at a fork, by going on with changed `versions`, or for
    chance of a replicate's own.

    `target` is a belief (`alice>bob.belief.cake`), a key of the scenario (`participants.bob.model`), `(event)` for an
    event added to its script, `(chance)` for a replicate's own draws from here on, or `versions` for packages, prompts
    or models that had changed; `old` and `new` are its values.
    """

    episode: str = Field(primary_key=True, sa_type=Text)
    turn: int = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    target: str = Field(sa_type=Text)
    old: Any = Field(default=None, sa_type=Json)
    new: Any = Field(default=None, sa_type=Json)
    created_at: datetime = Field(sa_type=Utc)


class ScoreRow(Row):
    """A computed number; appended, never overwritten."""

    id: str = Field(primary_key=True, sa_type=Text)
    run: str = Field(sa_type=Text)
    """The scoring it belongs to: one id for all numbers computed together."""
    episode: str | None = Field(default=None, sa_type=Text)
    """None for a number over several episodes: the row `episodes` of its run names them in `detail`."""
    measure: str = Field(sa_type=Text)
    turn: int | None = None
    holder: str | None = Field(default=None, sa_type=Text)
    chain: str | None = Field(default=None, sa_type=Text)
    variable: str | None = Field(default=None, sa_type=Text)
    estimator: str | None = Field(default=None, sa_type=Text)
    target: str | None = Field(default=None, sa_type=Text)
    value: float | None = None
    n: int | None = None
    detail: Any = Field(default=None, sa_type=Json)
    created_at: datetime = Field(sa_type=Utc)
