// Beliefs: held from the turn in which they were written until they are written anew, beside gold.
const TRUTH = "world";

/** Distributions by chain and variable: `at(chain, variable, turn)` is the one held then, a Map of values. */
function held(list) {
  const written = grouped(list, (row) => JSON.stringify([row.chain, row.variable]));
  for (const [key, own] of written) {
    const steps = [...grouped(own, (row) => row.turn)].sort((a, b) => a[0] - b[0]);
    written.set(
      key,
      steps.map(([turn, of]) => ({ turn, of: new Map(of.map((row) => [row.value, row.probability])), row: of[0] })),
    );
  }
  return (chain, variable, turn) =>
    (written.get(JSON.stringify([chain, variable])) ?? []).findLast((step) => step.turn <= turn);
}

const believed = rows("beliefs");
const goldRows = rows("gold");
const rules = [...new Set(goldRows.filter((row) => row.chain !== TRUTH).map((row) => row.rule))];
const beliefAt = held(believed);
const goldAt = held(goldRows.filter((row) => row.chain === TRUTH || row.rule === rules[0]));
const chains = [...new Set(believed.map((row) => row.chain))];
const declaredFirst = [...grouped(believed, (row) => row.variable)].sort(
  (a, b) => (b[1][0].declared ?? 0) - (a[1][0].declared ?? 0),
);
const variables = declaredFirst.map(([variable]) => variable);
const turnsHeld = turns.map((turn) => turn.turn).filter((turn) => turn >= 1);
const shown = { variable: variables[0], value: null };

function likeliest(of) {
  return [...of].reduce((best, entry) => (entry[1] > best[1] ? entry : best));
}

function valuesOf(variable) {
  return [...new Set(believed.filter((row) => row.variable === variable).map((row) => row.value))];
}

/** The true value at the end, or else what somebody is surest of. */
function valueToShow(variable) {
  const truth = goldAt(TRUTH, variable, lastTurn);
  if (truth && valuesOf(variable).includes(likeliest(truth.of)[0])) return likeliest(truth.of)[0];
  return believed
    .filter((row) => row.variable === variable)
    .reduce((best, row) => (row.probability > best.probability ? row : best)).value;
}

function kindOf(chain) {
  const names = chain.split(/[>&]/);
  if (names.length === 1) return "What each believes";
  if (names.length > 2) return "Deeper";
  return chain.includes("&") ? "What each takes to be common ground" : "What each thinks another believes";
}

const kinds = [
  "What each believes",
  "What each thinks another believes",
  "What each takes to be common ground",
  "Deeper",
];

function chainsOf(variable) {
  const there = new Set(believed.filter((row) => row.variable === variable).map((row) => row.chain));
  const place = (chain) =>
    chain
      .split(/[>&]/)
      .map((name) => String(seats.indexOf(name) + 1).padStart(3, "0"))
      .join();
  return [...there].sort(
    (a, b) => kinds.indexOf(kindOf(a)) - kinds.indexOf(kindOf(b)) || place(a).localeCompare(place(b)),
  );
}

/** Which variable and which of its values are shown. */
function show(variable, value) {
  shown.variable = variable;
  shown.value = valuesOf(variable).includes(value) ? value : valueToShow(variable);
}

/** The heat map and its controls; `changed` follows when another variable or value is chosen. */
function beliefs(go, changed) {
  const host = el("div", {});
  const draw = () =>
    redrawn(host, () =>
      host.replaceChildren(
        el(
          "p",
          { class: "controls" },
          choice("Variable", variables, shown.variable, (variable) => {
            show(variable, null);
            changed();
          }),
          choice("Value", valuesOf(shown.variable), shown.value, (value) => {
            show(shown.variable, value);
            changed();
          }),
        ),
        heatMap(go),
        legend(),
      ),
    );
  show(shown.variable, null);
  draw();
  const all = section(
    "beliefs",
    "Beliefs over time",
    "How probable each holds the chosen value, in percent, turn by turn; under each number the strip of gold: what " +
      "should be believed, given what was witnessed and told. Framed where the two are more than half apart although " +
      "all trust rules agree on gold. A belief of a turn covers what happened before it.",
    host,
    sources("beliefs", "gold"),
  );
  all.draw = draw;
  return all;
}

function legend() {
  const steps = [0, 0.25, 0.5, 0.75, 1].map((p) =>
    el("span", { class: `key${p > 0.55 ? " hi" : ""}`, "--p": p, "--g": p }, Math.round(p * 100)),
  );
  const others = rules.slice(1).join(", ");
  const rule = rules.length
    ? ` Gold by the trust rule '${rules[0]}'${others ? `; also in the log: ${others}` : ""}.`
    : " There is no gold for this episode.";
  return el("p", { class: "small legend" }, "Belief above, gold below: ", steps, rule);
}

function heatMap(go) {
  const { variable, value } = shown;
  const head = el(
    "tr",
    {},
    el("th", { scope: "col" }, "chain"),
    turnsHeld.map((turn) => el("th", { scope: "col", "data-turn": turn }, turn)),
  );
  const groups = grouped(chainsOf(variable), kindOf);
  const bodies = [...groups].map(([kind, of]) =>
    el(
      "tbody",
      {},
      el("tr", { class: "kind" }, el("th", { colspan: turnsHeld.length + 1, scope: "rowgroup" }, el("span", {}, kind))),
      of.map((chain) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, chain, estimatorsOf(chain, variable)),
          turnsHeld.map((turn) => heatCell(chain, variable, value, turn)),
        ),
      ),
    ),
  );
  const truth = goldAt(TRUTH, variable, lastTurn)
    ? el(
        "tbody",
        {},
        el(
          "tr",
          {},
          el("th", { scope: "row" }, "true"),
          turnsHeld.map((turn) => {
            const true_ = goldAt(TRUTH, variable, turn);
            return el(
              "td",
              { "data-turn": turn, class: "true" },
              true_ && likeliest(true_.of)[0] === value ? "\u2713" : "",
            );
          }),
        ),
      )
    : null;
  const table = el(
    "table",
    { class: `heat${turnsHeld.length > 24 ? " many" : ""}` },
    el("caption", {}, el("span", {}, `${variable} = ${value}`)),
    el("thead", {}, head),
    truth,
    bodies,
  );
  table.addEventListener("click", (event) => {
    const turn = event.target.closest("[data-turn]")?.dataset.turn;
    if (turn !== undefined) go(Number(turn));
  });
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Beliefs over time" }, table);
}

function estimatorsOf(chain, variable) {
  const used = [
    ...new Set(believed.filter((row) => row.chain === chain && row.variable === variable).map((row) => row.estimator)),
  ];
  return el("small", {}, ` ${used.join(", ")}`);
}

function heatCell(chain, variable, value, turn) {
  const belief = beliefAt(chain, variable, turn);
  if (!belief) return el("td", { "data-turn": turn });
  const p = belief.of.get(value) ?? 0;
  const gold = goldAt(chain, variable, turn);
  const g = gold ? (gold.of.get(value) ?? 0) : null;
  const beside = g === null ? "" : `, gold ${percent(g)} (${gold.row.basis})`;
  const says = `turn ${turn}, ${chain}: ${variable} = ${value} ${percent(p)}${beside}`;
  const off = g !== null && gold.row.robust === 1 && Math.abs(p - g) > 0.5;
  return el(
    "td",
    {
      class: `${p > 0.55 ? "hi" : ""}${g === null ? " nogold" : ""}${off ? " off" : ""}`,
      "data-turn": turn,
      "--p": p,
      "--g": g,
      title: says,
    },
    el("span", {}, Math.round(p * 100)),
  );
}
