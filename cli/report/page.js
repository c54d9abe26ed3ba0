// The page: its head, the slider over turns, and what follows it.
const host = document.getElementById("report");
const lastPlayed = turns.findLast((turn) => !turn.closing)?.turn ?? lastTurn;
let now = turns.length ? turns[0].turn : 0;

function head() {
  const facts =
    outcome === null
      ? []
      : [
          ["status", [outcome.status, outcome.reason ? ` (${outcome.reason})` : ""]],
          ["reward", outcome.reward === null ? null : number(outcome.reward, 3)],
          ["turns", outcome.turns],
          ["utterances", outcome.utterances],
          ["calls", outcome.calls],
          ["fallbacks", `${outcome.fallbacks} (${(outcome.fallback_rate * 100).toFixed(1)}\u2009%)`],
          ["cost", outcome.cost_usd === null ? "unknown" : `$${number(outcome.cost_usd, 4)}`],
          ["world", outcome.world],
          ["seed", outcome.seed],
          ["batch", outcome.batch === null ? null : `${outcome.batch}: ${outcome.cell ?? ""}, ${outcome.replicate}`],
          [
            "forked from",
            outcome.parent_episode === null ? null : `${outcome.parent_episode} after turn ${outcome.parent_turn}`,
          ],
          ["begun", outcome.started === null ? null : `${outcome.started.slice(0, 16)} UTC`],
        ];
  const models = rows("seats").map((seat) => [
    who(seat.name),
    seat.kind === "agent" ? ` ${seat.model ?? ""}` : ` ${seat.kind ?? ""}`,
  ]);
  const said = whole.blind ? seats.map((seat) => [who(seat)]) : models;
  return el(
    "header",
    {},
    el("h1", {}, outcome === null ? "A conversation" : outcome.scenario),
    el("p", { class: "small" }, `episode ${whole.episode}`),
    el(
      "p",
      { class: "cast" },
      said.map((one) => el("span", {}, one)),
    ),
    facts.length
      ? el(
          "dl",
          {},
          facts
            .filter(([, value]) => value !== null)
            .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
        )
      : null,
    sources("outcome", "seats"),
  );
}

const slider = el("input", { type: "range", id: "turn", min: now, max: lastTurn, value: now, step: 1 });
const says = el("output", { for: "turn" });
const beside = el("div", { class: "beside" });
const parts = [];

function scrubber() {
  const step = (by, label, mark) => {
    const button = el("button", { type: "button", "aria-label": label, title: label }, mark);
    button.addEventListener("click", () => move(by));
    return button;
  };
  slider.addEventListener("input", () => go(Number(slider.value)));
  return el(
    "div",
    { class: "scrubber", role: "group", "aria-label": "Choose a turn" },
    step(-1, "the turn before", "\u2039"),
    el("label", { for: "turn", class: "unseen" }, "Turn"),
    slider,
    step(1, "the next turn", "\u203a"),
    says,
  );
}

/** Go to a turn: everything that shows one moment follows. */
function go(turn) {
  const there = turns.map((one) => one.turn);
  now = there.findLast((one) => one <= turn) ?? there[0];
  slider.value = String(now);
  const closing = turns.find((one) => one.turn === now)?.closing;
  const told = now === 0 ? "the opening" : closing ? "the end" : `turn ${now} of ${lastPlayed}`;
  slider.setAttribute("aria-valuetext", told);
  says.textContent = told;
  markTurn(now);
  for (const cell of document.querySelectorAll("[data-turn].now")) cell.classList.remove("now");
  for (const cell of document.querySelectorAll(`[data-turn="${now}"]`)) cell.classList.add("now");
  for (const part of parts) part.markTurn?.(now);
  for (const head of document.querySelectorAll("th.now")) inSight(head);
  drawBeside();
}

/** Brings the column of a turn into its table's view without moving the page. */
function inSight(head) {
  const view = head.closest(".scroll");
  const at = head.getBoundingClientRect().left - view.getBoundingClientRect().left + view.scrollLeft;
  if (at < view.scrollLeft + 160 || at + head.offsetWidth > view.scrollLeft + view.clientWidth)
    view.scrollLeft = at - view.clientWidth / 2;
}

/** Go on, or back, by turns that there are. */
function move(by) {
  const at = turns.findIndex((one) => one.turn === now) + by;
  go(turns[Math.min(Math.max(at, 0), turns.length - 1)].turn);
}

function drawBeside() {
  if (whole.blind) return;
  const told = now === 0 ? "In the opening" : now > lastPlayed ? "At the end" : `At turn ${now}`;
  const tables = variables.length ? matrices(now) : [];
  const variable =
    variables.length > 1
      ? el(
          "p",
          { class: "controls" },
          choice("Variable", variables, shown.variable, (one) => {
            show(one, null);
            changed();
          }),
        )
      : null;
  redrawn(beside, () =>
    beside.replaceChildren(
      ...[
        el("h2", {}, told),
        variable,
        ...tables,
        variables.length
          ? el(
              "p",
              { class: "small" },
              "The likeliest value and how likely it is held to be, and gold's where that is another; framed where all " +
                "trust rules agree on gold.",
            )
          : null,
        bidsOf(now),
        sources("beliefs", "gold", "floor"),
      ].filter(Boolean),
    ),
  );
}

/** Another variable or value was chosen. */
function changed() {
  for (const part of parts) part.draw?.();
  go(now);
}

/** Arrow keys move the slider from anywhere but where they have a meaning of their own. */
function keys(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (event.target.closest("input, select, textarea, pre, .scroll")) return;
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by === undefined) return;
  event.preventDefault();
  move(by);
}

function fromAddress() {
  const found = /^#turn-(\d+)$/.exec(location.hash);
  if (found) go(Number(found[1]));
}

if (turns.length) {
  const panes = el(
    "div",
    { class: whole.blind ? "panes one" : "panes" },
    transcript(),
    whole.blind ? null : el("aside", { "aria-label": "At the chosen turn" }, beside),
  );
  host.append(head(), scrubber(), panes);
  if (variables.length) parts.push(beliefs(go, changed), accuracy());
  parts.push(floor(go), influence(go), costs());
  const there = parts.filter(Boolean);
  parts.splice(0, parts.length, ...there);
  host.append(
    ...parts,
    el(
      "footer",
      {},
      el(
        "p",
        { class: "small" },
        whole.blind
          ? "A blind report: condition, models, what went on in minds, and who is a person, are left out."
          : "Made by tertulia from its log. The arrow keys move through the turns.",
      ),
    ),
  );
  go(now);
  fromAddress();
  addEventListener("hashchange", fromAddress);
  document.addEventListener("keydown", keys);
} else {
  host.append(head(), el("p", {}, "No turn has been played yet."));
}
