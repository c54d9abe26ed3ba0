// Beliefs: held from the turn in which they were written until they are written anew, beside gold.
const TRUTH = "world";

/** Distributions by chain and variable: `at(chain, variable, turn)` is the one held then, a Map of values. */
function held(list) {
  const written = grouped(list, (row) => JSON.stringify([row.chain, row.variable]));
  for (const [key, own] of written) {
    const steps = [...grouped(own, (row) => row.turn)].sort((a, b) => a[0] - b[0]);
    written.set(key, steps.map(([turn, of]) => ({ turn, of: new Map(of.map((row) => [row.value, row.probability])), row: of[0] })));
  }
  return (chain, variable, turn) => (written.get(JSON.stringify([chain, variable])) ?? []).findLast((step) => step.turn <= turn);
}

const believed = rows("beliefs");
const goldRows = rows("gold");
const rules = [...new Set(goldRows.filter((row) => row.chain !== TRUTH).map((row) => row.rule))];
const beliefAt = held(believed);
const goldAt = held(goldRows.filter((row) => row.chain === TRUTH || row.rule === rules[0]));
const chains = [...new Set(believed.map((row) => row.chain))];
const declaredFirst = [...grouped(believed, (row) => row.variable)].sort((a, b) => (b[1][0].declared ?? 0) - (a[1][0].declared ?? 0));
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
  return believed.filter((row) => row.variable === variable).reduce((best, row) => (row.probability > best.probability ? row : best)).value;
}

function kindOf(chain) {
  const names = chain.split(/[>&]/);
  if (names.length === 1) return "What each believes";
  if (names.length > 2) return "Deeper";
  return chain.includes("&") ? "What each takes to be common ground" : "What each thinks another believes";
}

const kinds = ["What each believes", "What each thinks another believes", "What each takes to be common ground", "Deeper"];

function chainsOf(variable) {
  const there = new Set(believed.filter((row) => row.variable === variable).map((row) => row.chain));
  const place = (chain) => chain.split(/[>&]/).map((name) => String(seats.indexOf(name) + 1).padStart(3, "0")).join();
  return [...there].sort((a, b) => kinds.indexOf(kindOf(a)) - kinds.indexOf(kindOf(b)) || place(a).localeCompare(place(b)));
}

/** The heat map and its controls, drawn anew when another variable or value is chosen. */
function beliefs(go, redraw) {
  const host = el("div", {});
  const draw = () => {
    shown.value = valuesOf(shown.variable).includes(shown.value) ? shown.value : valueToShow(shown.variable);
    host.replaceChildren(
      el("p", { class: "controls" },
        choice("Variable", variables, shown.variable, (variable) => { shown.variable = variable; shown.value = null; draw(); redraw(); }),
        choice("Value", valuesOf(shown.variable), shown.value, (value) => { shown.value = value; draw(); redraw(); })),
      heatMap(go), legend());
  };
  draw();
  return section("beliefs", "Beliefs over time",
    "How probable each holds the chosen value, in percent, turn by turn; under each number the strip of gold: what should be believed, given what was witnessed and told. Where the two differ, a mind is wrong. A belief of a turn covers what happened before it.",
    host, sources("beliefs", "gold"));
}

function legend() {
  const steps = [0, 0.25, 0.5, 0.75, 1].map((p) => el("span", { class: `key${p > 0.55 ? " hi" : ""}`, "--p": p, "--g": p }, Math.round(p * 100)));
  const rule = rules.length ? ` Gold by the trust rule '${rules[0]}'${rules.length > 1 ? `; also in the log: ${rules.slice(1).join(", ")}` : ""}.` : " There is no gold for this episode.";
  return el("p", { class: "small legend" }, "Belief above, gold below: ", steps, rule);
}

function heatMap(go) {
  const { variable, value } = shown;
  const head = el("tr", {}, el("th", { scope: "col" }, "chain"), turnsHeld.map((turn) => el("th", { scope: "col", "data-turn": turn }, turn)));
  const groups = grouped(chainsOf(variable), kindOf);
  const bodies = [...groups].map(([kind, of]) => el("tbody", {},
    el("tr", { class: "kind" }, el("th", { colspan: turnsHeld.length + 1, scope: "rowgroup" }, el("span", {}, kind))),
    of.map((chain) => el("tr", {}, el("th", { scope: "row" }, chain, estimatorsOf(chain, variable)),
      turnsHeld.map((turn) => heatCell(chain, variable, value, turn))))));
  const truth = goldAt(TRUTH, variable, lastTurn) ? el("tbody", {},
    el("tr", {}, el("th", { scope: "row" }, "true"), turnsHeld.map((turn) => {
      const true_ = likeliest(goldAt(TRUTH, variable, turn)?.of ?? new Map([["", 0]]))[0] === value;
      return el("td", { "data-turn": turn, class: "true", title: `turn ${turn}` }, true_ ? "\u2713" : "");
    }))) : null;
  const table = el("table", { class: `heat${turnsHeld.length > 24 ? " many" : ""}` },
    el("caption", {}, `${variable} = ${value}`), el("thead", {}, head), truth, bodies);
  table.addEventListener("click", (event) => {
    const turn = event.target.closest("[data-turn]")?.dataset.turn;
    if (turn !== undefined) go(Number(turn));
  });
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Beliefs over time" }, table);
}

function estimatorsOf(chain, variable) {
  const used = [...new Set(believed.filter((row) => row.chain === chain && row.variable === variable).map((row) => row.estimator))];
  return el("small", {}, ` ${used.join(", ")}`);
}

function heatCell(chain, variable, value, turn) {
  const belief = beliefAt(chain, variable, turn);
  if (!belief) return el("td", { "data-turn": turn });
  const p = belief.of.get(value) ?? 0;
  const gold = goldAt(chain, variable, turn);
  const g = gold ? (gold.of.get(value) ?? 0) : null;
  const says = `turn ${turn}, ${chain}: ${variable} = ${value} ${percent(p)}${g === null ? "" : `, gold ${percent(g)} (${gold.row.basis})`}`;
  const off = g !== null && Math.abs(p - g) > 0.5;
  return el("td", { class: `${p > 0.55 ? "hi" : ""}${g === null ? " nogold" : ""}${off ? " off" : ""}`, "data-turn": turn, "--p": p, "--g": g, title: says },
    el("span", {}, Math.round(p * 100)));
}

/** Who believes what about whom at one turn: holders down, those they model across, themselves on the diagonal. */
function matrices(turn) {
  const { variable } = shown;
  const joined = (a, b, sign) => (a === b ? a : `${a}${sign}${b}`);
  const tables = [[">", "what the one on the left thinks the one above believes"], ["&", "what the one on the left takes to be common ground with the one above"]];
  return tables.map(([sign, about]) => {
    if (!chains.some((chain) => kindOf(chain) === (sign === ">" ? kinds[1] : kinds[2])) && (sign === "&" || !chains.length)) return null;
    return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `${variable}: ${about}` },
      el("table", { class: "matrix" }, el("caption", {}, el("b", {}, variable), `: ${about}`),
        el("thead", {}, el("tr", {}, el("td", {}), seats.map((seat) => el("th", { scope: "col" }, who(seat))))),
        el("tbody", {}, seats.map((one) => el("tr", {}, el("th", { scope: "row" }, who(one)),
          seats.map((other) => matrixCell(joined(one, other, sign), variable, turn, one === other)))))));
  });
}

function matrixCell(chain, variable, turn, own) {
  const belief = beliefAt(chain, variable, turn);
  if (!belief) return el("td", { class: "none" }, "\u2013");
  const [value, p] = likeliest(belief.of);
  const gold = goldAt(chain, variable, turn);
  const even = [...belief.of.values()].every((other) => other === p);
  const fits = gold ? likeliest(gold.of)[1] === (gold.of.get(value) ?? 0) : null;
  const mark = fits === null ? "" : fits ? "" : `gold: ${likeliest(gold.of)[0]} ${percent(likeliest(gold.of)[1])}`;
  return el("td", { class: `${own ? "own" : ""}${mark ? " off" : ""}`, title: chain },
    el("span", { class: "value" }, even && belief.of.size > 1 ? "any" : value), " ", el("b", {}, percent(p)), mark ? el("small", {}, mark) : null);
}

/** Mean distance to gold, turn by turn: one line for each estimator and order of chain. */
function accuracy() {
  const found = rows("accuracy").filter((row) => row.gold_brier !== null);
  if (!found.length || turnsHeld.length < 2) return null;
  const lines = [...grouped(found, (row) => `order ${row.chain_order}, ${row.estimator}`)];
  const [left, right, top, bottom] = [44, 690, 12, 200];
  const first = turnsHeld[0];
  const most = Math.max(0.2, ...found.map((row) => row.gold_brier));
  const x = (turn) => left + ((turn - first) / (lastTurn - first)) * (right - left);
  const y = (value) => bottom - (value / most) * (bottom - top);
  const ticks = [0, most / 2, most];
  const every = Math.ceil(turnsHeld.length / 14);
  const picture = svg("svg", { viewBox: "0 0 720 240", role: "img", "aria-label": "Mean Brier distance of beliefs to gold, by turn" },
    ticks.map((tick) => [svg("line", { class: "grid", x1: left, x2: right, y1: y(tick), y2: y(tick) }),
      svg("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, tick.toFixed(2))]),
    turnsHeld.filter((_, at) => at % every === 0).map((turn) => svg("text", { x: x(turn), y: bottom + 18, "text-anchor": "middle" }, turn)),
    svg("text", { x: (left + right) / 2, y: bottom + 36, "text-anchor": "middle" }, "turn"),
    lines.map(([name, of], at) => svg("polyline", { class: `line l${at % 6}`, points: of.map((row) => `${x(row.turn).toFixed(1)},${y(row.gold_brier).toFixed(1)}`).join(" ") },
      svg("title", {}, name))),
    svg("line", { class: "now", x1: left, x2: left, y1: top, y2: bottom }));
  picture.markTurn = (turn) => {
    const now = picture.querySelector(".now");
    for (const end of ["x1", "x2"]) now.setAttribute(end, x(Math.max(turn, first)));
  };
  const key = el("ul", { class: "lines" }, lines.map(([name, of], at) => el("li", { class: `l${at % 6}` },
    `${name} (n = ${Math.max(...of.map((row) => row.n))} a turn at most)`)));
  const whole_ = section("accuracy", "How near to gold",
    "The mean Brier distance of beliefs to gold (0 to 2, lower is nearer) in each turn, of the items on which all trust rules agree. Estimators and orders of belief are not pooled.",
    el("div", { class: "plot" }, picture), key, sources("accuracy"));
  whole_.markTurn = picture.markTurn;
  return whole_;
}
