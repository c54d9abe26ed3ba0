"""Who answers for each seat: the world's rules, or a backend with the call ledger before it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from tertulia.agents.backends.base import Backend, BackendFailure
from tertulia.agents.backends.rules import URI as RULES
from tertulia.agents.backends.rules import RulesModel
from tertulia.agents.caller import Budget, RetryPolicy, SeatModel
from tertulia.agents.registry import Backends, ModelURIError
from tertulia.environments.people.spec import HUMAN
from tertulia.environments.scenario import Scenario
from tertulia.environments.stage import Seat, Stage
from tertulia.mind.embedding import EMBED
from tertulia.mind.model import LanguageModel, ModelTrouble
from tertulia.mind.probing import PROBE
from tertulia.storage.log import Log
from tertulia.storage.rows import CallRow


@dataclass(slots=True)
class Totals:
    """What an episode has asked of its models so far. A request may take several attempts; each attempt is a row.
    Of probes, only the cost counts."""

    requests: set[tuple[int, int, str, str, int]] = field(default_factory=set)
    attempts: set[str] = field(default_factory=set)
    fallbacks: int = 0
    by_seat: dict[str, list[int]] = field(default_factory=dict)
    """Requests and fallbacks of each participant."""
    cost_usd: float | None = 0.0
    """None once an attempt was answered at an unknown price."""

    def add(self, rows: Iterable[CallRow]) -> None:
        """Count rows, each once however often it is met."""
        for row in rows:
            if row.call in self.attempts:
                continue
            self.attempts.add(row.call)
            if row.status != "error":
                known = self.cost_usd is not None and row.cost_usd is not None
                self.cost_usd = (self.cost_usd or 0.0) + (row.cost_usd or 0.0) if known else None
            if row.purpose == PROBE:  # paid for, and no part of how the minds did
                continue
            request = (row.turn, row.take, row.participant, row.purpose, row.ordinal)
            seat = self.by_seat.setdefault(row.participant, [0, 0])
            seat[0] += request not in self.requests and row.purpose != EMBED  # an embedding has no fallback
            seat[1] += row.status == "fallback"
            self.requests.add(request)
            self.fallbacks += row.status == "fallback"

    def copy(self) -> Totals:
        """The same, to be counted on without changing these."""
        seats = {name: list(counts) for name, counts in self.by_seat.items()}
        return replace(self, requests=set(self.requests), attempts=set(self.attempts), by_seat=seats)

    @property
    def worst_fallback_rate(self) -> float:
        """Fallbacks per request of the participant who had the most, 0-1: one seat that never answers is not hidden
        by others who do."""
        return max((fallbacks / requests for requests, fallbacks in self.by_seat.values()), default=0.0)


@dataclass(slots=True)
class SeatLedger:
    """The ledger of one seat in one turn and take, over the log."""

    log: Log
    lease: str
    left_behind: Sequence[CallRow]
    stage: Stage

    def recorded(self, purpose: str, ordinal: int) -> list[CallRow]:
        found = [row for row in self.left_behind if row.purpose == purpose and row.ordinal == ordinal]
        return sorted(found, key=lambda row: row.attempt)

    def record(self, row: CallRow) -> Awaitable[None]:
        if self.stage.hours_only:
            row = row.model_copy(update={"started_at": self.stage.stamp(row.started_at)})
        return self.log.record_call(row, self.lease)


def backend_of(backends: Backends, uri: str) -> Backend:
    """The backend behind a seat's model. Raises `ModelTrouble` (`refused`) where there cannot be one, or where it has
    refused already."""
    return _ready(backends, uri, backends.get)


def embedder_of(backends: Backends, uri: str) -> Backend:
    """The same for an embedding model."""
    return _ready(backends, uri, backends.embedder)


def check_models(scenario: Scenario, backends: Backends) -> None:
    """Raises `ModelTrouble` (`refused`) where a model of the scenario can be asked nothing at all."""
    for uri in sorted(scenario.models - {RULES, HUMAN}):
        backend_of(backends, uri)
    for uri in sorted(scenario.embedders):
        embedder_of(backends, uri)


def _ready(backends: Backends, uri: str, make: Callable[[str], Backend]) -> Backend:
    try:
        if (why := backends.refusal(uri)) is not None:
            raise ModelTrouble("refused", why)
        return make(uri)
    except (BackendFailure, ModelURIError) as failure:
        raise ModelTrouble("refused", str(failure)) from failure


@dataclass(slots=True)
class Answering:
    """Makes the model of a seat for one turn and take, and keeps count of all that was asked."""

    stage: Stage
    log: Log
    backends: Backends
    lease: str
    left_behind: Sequence[CallRow] = ()
    """Calls of a turn that was not committed, when an episode is resumed."""
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    budget: Budget | None = None
    waits_out: Callable[[str, BackendFailure, float], None] | None = None
    """Told whenever trouble with a model is about to be waited out."""
    totals: Totals = field(default_factory=Totals)
    _made: list[RulesModel | SeatModel] = field(default_factory=list)

    def model_for(self, seat: Seat, turn: int, take: int) -> LanguageModel:
        stage = self.stage
        model: RulesModel | SeatModel
        if seat.model == RULES:
            rng = stage.draw(turn, take, seat.name, RULES)
            model = RulesModel(stage.policy, stage.episode, turn, take, seat.name, rng)
        else:
            model = self._asked(backend_of(self.backends, seat.model), seat.model, seat, turn, take)
        self._made.append(model)
        return model

    def embedder_for(self, seat: Seat, turn: int, take: int) -> LanguageModel:
        """What answers a seat's requests for embeddings, recorded and paid for like any others."""
        uri = seat.spec.embeddings or ""
        model = self._asked(embedder_of(self.backends, uri), uri, seat, turn, take)
        self._made.append(model)
        return model

    def _asked(self, backend: Backend, uri: str, seat: Seat, turn: int, take: int) -> SeatModel:
        mine = [r for r in self.left_behind if (r.turn, r.take, r.participant) == (turn, take, seat.name)]
        return SeatModel(
            backend, uri=uri, episode=self.stage.episode, turn=turn, take=take, participant=seat.name,
            ledger=SeatLedger(self.log, self.lease, mine, self.stage), limiter=self.backends.limiter(uri),
            retry=self.retry, budget=self.budget, waits_out=self.waits_out,
        )  # fmt: skip

    def take_for(self, turn: int) -> int:
        """The take with which to begin a turn: that of the calls left behind, so that their answers can be used."""
        return max((row.take for row in self.left_behind if row.turn == turn), default=0)

    def worst_fallback_rate(self) -> float:
        """That of the totals as they will be once the turn that is about to be committed counts as well."""
        totals = self.totals.copy()
        for model in self._made:
            totals.add(model.rows)
        return totals.worst_fallback_rate

    def count(self, *, committed: bool) -> None:
        """Add up what was asked since the last count. Calls of a turn that is not committed count where they were
        recorded by themselves; those answered by rules are rows of their turn."""
        for model in self._made:
            if committed or isinstance(model, SeatModel):
                self.totals.add(model.rows)
        self._made.clear()
