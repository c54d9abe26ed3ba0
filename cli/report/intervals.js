// Numbers by condition, each with its interval and its n, drawn beside where it stands.
const labelOf = new Map(whole.conditions.map((one) => [keyOf(one), one.label]));
const indexOf = new Map(whole.conditions.map((one, at) => [keyOf(one), at]));
const severalScenarios = new Set(rows("episodes").map((one) => one.scenario)).size > 1;

function keyOf(row) {
  return JSON.stringify([row.scenario, row.cell, row.models]);
}

/** What a cell of a query is called: as its condition where there is one, else by its name. */
function cellOf(row) {
  const found = whole.conditions.filter((one) => one.scenario === row.scenario && one.cell === row.cell);
  if (found.length === 1) return found[0].label;
  return severalScenarios ? `${row.scenario}, ${row.cell ?? ""}` : (row.cell ?? row.scenario);
}

/** A mark in the colour and shape of a condition, and its name. */
function conditionName(row) {
  const at = indexOf.get(keyOf(row));
  return [at === undefined ? null : swatch(at), " ", labelOf.get(keyOf(row)) ?? row.cell];
}

function swatch(at) {
  return svg("svg", { class: "swatch", viewBox: "0 0 26 12", "aria-hidden": true }, [
    svg("line", { class: `line l${at % 6}`, x1: 1, x2: 25, y1: 6, y2: 6 }),
    marker(at, 13, 6),
  ]);
}

/** Conditions differ by shape too: a circle, a square, a diamond, a triangle, and these hollow. */
function marker(at, x, y, size = 4.2) {
  const r = size;
  const classes = `marker m${at % 6}${at % 8 > 3 ? " hollow" : ""}`;
  const around = (points) =>
    svg("polygon", { class: classes, points: points.map(([dx, dy]) => `${x + dx * r},${y + dy * r}`).join(" ") });
  if (at % 4 === 1) return svg("rect", { class: classes, x: x - r * 0.85, y: y - r * 0.85, width: r * 1.7, height: r * 1.7 });
  if (at % 4 === 2) return around([[0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]]);
  if (at % 4 === 3) return around([[0, -1.15], [1.1, 0.9], [-1.1, 0.9]]);
  return svg("circle", { class: classes, cx: x, cy: y, r });
}

function figureText(value) {
  if (value === null || value === undefined) return "\u2013";
  const size = Math.abs(value);
  if (size >= 1000) return value.toLocaleString("en", { maximumFractionDigits: 0 });
  return (size !== 0 && size < 0.0005 ? value.toExponential(1) : value.toFixed(3)).replace(/^-(?=0\.0+$)/, "");
}

function between(row) {
  return row.low === null ? "\u2013" : `${figureText(row.low)} to ${figureText(row.high)}`;
}

/** The span that a list of numbers with intervals needs; with `zero` in it. */
function spanOf(list, zero) {
  const all = list.flatMap((row) => [row.value, row.low, row.high]).filter((one) => one !== null);
  let [least, most] = [Math.min(...all, ...(zero ? [0] : [])), Math.max(...all, ...(zero ? [0] : []))];
  if (most - least < 1e-12) [least, most] = [least - 0.5, most + 0.5];
  const room = (most - least) * 0.08;
  return [least - room, most + room];
}

/** What its line says: from where to where it runs, or what all numbers are. */
function lineText(list, [least, most]) {
  const all = new Set(list.flatMap((row) => [row.value, row.low ?? row.value, row.high ?? row.value]));
  return all.size === 1 ? "All are the same." : `The line runs from ${figureText(least)} to ${figureText(most)}`;
}

/** One number on a line from `least` to `most`: a mark, its interval, and where 0 is. */
function bar(row, [least, most], zero) {
  const x = (value) => 6 + ((value - least) / (most - least)) * 188;
  const at = indexOf.get(keyOf(row)) ?? 0;
  return svg(
    "svg",
    { class: "bar", viewBox: "0 0 200 20", "aria-hidden": true },
    svg("line", { class: "grid", x1: 6, x2: 194, y1: 10, y2: 10 }),
    zero && least <= 0 && most >= 0 ? svg("line", { class: "zero", x1: x(0), x2: x(0), y1: 1, y2: 19 }) : null,
    row.low === null
      ? null
      : svg("line", { class: `range r${at % 6}`, x1: x(row.low), x2: Math.max(x(row.high), x(row.low) + 1), y1: 10, y2: 10 }),
    marker(at, x(row.value), 10),
  );
}

function groupText(row) {
  return Object.values(row.group).join(", ");
}

/** A measure's numbers by condition: a row for each. */
function figuresTable(measure) {
  const list = measure.rows.filter((row) => row.kind === "figure");
  const grouped_ = list.some((row) => groupText(row));
  const missing = list.some((row) => row.missing);
  const seeds = list.some((row) => row.over === "seeds");
  const span = spanOf(list, false);
  return numbersTable(
    `${measure.name}: ${measure.unit}`,
    [
      [whole.varies, (row) => conditionName(row)],
      grouped_ ? ["of", groupText] : null,
      ["value", (row) => figureText(row.value), "num"],
      ["95 %", between, "num"],
      ["", (row) => bar(row, span, false), "drawn"],
      ["n", (row) => row.n.toLocaleString("en"), "num"],
      ["episodes", (row) => row.episodes, "num"],
      seeds ? ["seeds", (row) => (row.over === "seeds" ? row.clusters : ""), "num"] : null,
      missing ? ["missing", (row) => row.missing || "", "num"] : null,
    ],
    list,
    `${lineText(list, span).replace(/\.?$/, ".")} n counts ${measure.n}.`,
  );
}

/** What differs from the baseline, pair by pair. */
function differencesTable(measure) {
  const list = measure.rows.filter((row) => row.kind === "difference");
  if (!list.length) return null;
  const span = spanOf(list, true);
  const grouped_ = list.some((row) => groupText(row));
  const alone = list.every((row) => row.baseline === list[0].baseline);
  const base = alone ? labelOfCell(list[0].scenario, list[0].baseline) : "the first cell of each scenario";
  return numbersTable(
    `${measure.name}: difference to ${base}, pair by pair`,
    [
      [whole.varies, (row) => conditionName(row)],
      grouped_ ? ["of", groupText] : null,
      ["difference", (row) => figureText(row.value), "num"],
      ["95 %", between, "num"],
      ["", (row) => bar(row, span, true), "drawn"],
      ["dz", (row) => (row.dz === null ? "\u2013" : row.dz.toFixed(2)), "num"],
      ["n", (row) => row.n, "num"],
      ["over", (row) => (row.over === "pairs" ? "pairs" : `seeds (${row.pairs} pairs)`)],
    ],
    list,
    `${lineText(list, span).replace(/\.?$/, ".")} The upright line is no difference.`,
  );
}

function labelOfCell(scenario, cell) {
  const found = whole.conditions.find((one) => one.scenario === scenario && one.cell === cell);
  return found ? found.label : cell;
}

function numbersTable(caption, columns, list, foot) {
  const there = columns.filter(Boolean);
  return el(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    el(
      "table",
      { class: "numbers" },
      el("caption", {}, caption),
      el("thead", {}, el("tr", {}, there.map(([title, , kind]) => el("th", { scope: "col", class: kind }, title)))),
      el(
        "tbody",
        {},
        list.map((row) =>
          el(
            "tr",
            {},
            there.map(([title, show, kind], at) =>
              at ? el("td", { class: kind, "data-label": title }, show(row)) : el("th", { scope: "row" }, show(row)),
            ),
          ),
        ),
      ),
    ),
    foot ? el("p", { class: "small" }, foot) : null,
  );
}

/** How numbers that statistics made can be had again. */
function commands(list, queries = []) {
  return el(
    "details",
    { class: "source" },
    el("summary", {}, "Where this comes from"),
    list.map(([about, command]) => [
      el("p", {}, about),
      el("pre", { tabindex: 0 }, el("code", { "data-command": true }, command)),
    ]),
    queries.map(([about, sql]) => [
      el("p", {}, about),
      el("pre", { tabindex: 0 }, el("code", { "data-query": true }, sql)),
    ]),
  );
}

/** A text in which names of commands stand between backticks. */
function withCode(text) {
  return text.split("`").map((part, at) => (at % 2 ? el("code", {}, part) : part));
}

/** A measure: what it is, its numbers, what differs, and the command that gives them. */
function measureBlock(name, folded = false) {
  const measure = whole.measures.find((one) => one.name === name);
  if (!measure) return null;
  const inside = [
    el("p", { class: "about" }, withCode(measure.about)),
    figuresTable(measure),
    differencesTable(measure),
    commands([["The same numbers, and the query with their sums:", measure.command]]),
  ];
  const id = `measure-${name}`;
  return folded
    ? el("details", { class: "measure", id }, el("summary", {}, el("b", {}, name), ` ${measure.unit}`), inside)
    : el("div", { class: "measure", id }, el("h3", {}, name), inside);
}
