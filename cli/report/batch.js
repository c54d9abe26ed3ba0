// The page of a batch: what it was, how it went by condition, what it took, and every episode.
const host = document.getElementById("report");
const episodes = rows("episodes");
const ended = episodes.filter(playedOut);

function fact(name, value) {
  return value === null ? null : el("div", {}, el("dt", {}, name), el("dd", {}, value));
}

function batchHead() {
  const dollars = episodes.reduce((sum, row) => sum + (row.cost_usd ?? 0), 0);
  const unknown = episodes.some((row) => row.cost_usd === null);
  const calls = episodes.reduce((sum, row) => sum + row.calls, 0);
  const fallbacks = episodes.reduce((sum, row) => sum + row.fallbacks, 0);
  const scenarios = [...new Set(episodes.map((row) => row.scenario))];
  const models = [...new Set(whole.conditions.map((one) => one.models))];
  return el(
    "header",
    {},
    el("h1", {}, whole.name),
    el("p", { class: "small" }, `batch ${whole.batch}`),
    el(
      "dl",
      {},
      fact("scenario", named(scenarios)),
      fact("models", models.join("; ")),
      fact("episodes", `${whole.began}, ${ended.length} played to their end`),
      fact("conditions", whole.conditions.length),
      fact("seeds", new Set(episodes.map((row) => row.seed)).size),
      fact("turns", ended.reduce((sum, row) => sum + row.turns, 0).toLocaleString("en")),
      fact("requests", calls.toLocaleString("en")),
      fact("fallbacks", `${fallbacks}${calls ? ` (${((100 * fallbacks) / calls).toFixed(1)}\u2009%)` : ""}`),
      fact("cost", `${unknown ? "over " : ""}$${number(dollars, 4)}`),
    ),
    el(
      "ul",
      { class: "legend-keys" },
      whole.conditions.map((one) => {
        const n = ended.filter((row) => row.scenario === one.scenario && row.cell === one.cell).length;
        const base = one.baseline ? ", the baseline" : "";
        return el("li", {}, conditionName(one), el("small", {}, ` n = ${n}${base}`));
      }),
    ),
    el(
      "p",
      { class: "about" },
      "Numbers by condition are over the episodes that were played to their end. Intervals are 95 %, by the bootstrap " +
        "over episodes, or over seeds where seeds come again; with fewer than ten of them they are too narrow. " +
        "Differences are not corrected for how many there are.",
    ),
    sources("episodes"),
  );
}

function success() {
  const block = measureBlock("reward");
  return section(
    "success",
    "Success",
    block ? null : "The worlds of this batch set no task: there is no reward.",
    block ? [...block.children].slice(1) : null,
  );
}

function measured(id, title, about, names, folded = false) {
  const blocks = names.map((name) => measureBlock(name, folded)).filter(Boolean);
  return blocks.length ? section(id, title, about, folded ? unfold(blocks) : null, blocks) : null;
}

/** A button that opens all that is folded, for print. */
function unfold(blocks) {
  const button = el("button", { type: "button" }, "Open all");
  button.addEventListener("click", () => {
    const open = blocks.some((one) => !one.open);
    for (const one of blocks) one.open = open;
    button.textContent = open ? "Fold all" : "Open all";
  });
  return el("p", { class: "controls" }, button);
}

const FAILURES = ["fallback_rate"];
const COSTS = ["cost_usd", "output_tokens", "latency_ms"];

function failures() {
  const columns = [
    { key: "cell", title: whole.varies, show: cellOf, at: cellOf },
    { key: "status", title: "status" },
    { key: "reason", title: "reason" },
    { key: "n", title: "episodes", num: true },
  ];
  return section(
    "failures",
    "Failures and fallbacks",
    "How every episode stands, and why; how often a request was given up and the turn passed.",
    sortable("How episodes ended", columns, rows("endings")),
    sources("endings"),
    FAILURES.map((name) => measureBlock(name)),
  );
}

function spending() {
  const list = rows("spending");
  if (!list.length) return null;
  const count = (key, title) => ({ key, title, num: true, show: (row) => number(row[key], 0) });
  const columns = [
    { key: "cell", title: whole.varies, show: cellOf, at: cellOf },
    { key: "purpose", title: "purpose" },
    { key: "model", title: "model" },
    ...["episodes", "calls", "attempts", "errors", "fallbacks"].map((key) => count(key, key)),
    count("input_tokens", "tokens in"),
    count("cached_tokens", "of them cached"),
    count("output_tokens", "tokens out"),
    { key: "cost_usd", title: "$", num: true, show: (row) => number(row.cost_usd, 6) },
    { key: "ms_per_call", title: "ms a request", num: true, show: (row) => number(row.ms_per_call, 1) },
  ];
  const unknown = list.some((row) => row.unknown_prices > 0);
  const some = columns.filter((column) => !column.num || list.some((row) => row[column.key]));
  return section(
    "costs",
    "Costs",
    unknown ? "Some prices are not known: dollars are too low by them." : null,
    sortable("What models were asked", some, list),
    some.length < columns.length ? el("p", { class: "small" }, "Columns that are 0 throughout are left out.") : null,
    sources("spending"),
    COSTS.map((name) => measureBlock(name)),
  );
}

function everyEpisode() {
  const list = episodes.map((row) => ({ ...row, label: cellOf(row) }));
  const plain_ = (key, title, digits) => ({ key, title, num: true, show: (row) => number(row[key], digits) });
  const columns = [
    { key: "episode", title: "episode", show: (row) => el("button", { type: "button", class: "id" }, row.episode) },
    { key: "label", title: whole.varies },
    plain_("seed", "seed", 0),
    plain_("replicate", "replicate", 0),
    { key: "status", title: "status" },
    { key: "reason", title: "reason" },
    plain_("reward", "reward", 3),
    plain_("turns", "turns", 0),
    plain_("utterances", "utterances", 0),
    plain_("top_share", "top share", 2),
    plain_("calls", "requests", 0),
    plain_("fallbacks", "fallbacks", 0),
    plain_("cost_usd", "$", 6),
    plain_("ms_per_call", "ms a request", 1),
  ].filter((column) => !["replicate", "reward", "fallbacks", "cost_usd"].includes(column.key) || list.some((row) => row[column.key]));
  const how = el("code", { "data-open": true });
  const open = (row) => {
    how.textContent = plain(`tertulia report ${row.episode} -o ${row.episode}.html`);
  };
  if (list.length) open(list[0]);
  const table = sortable("Every episode", columns, list, { most: 50, chosen: open });
  const words = el("input", { type: "search", id: "filter", placeholder: "a word, or reward>0.5" });
  const count = el("output", { for: "filter" });
  const filter = () => {
    const found = list.filter(filterOf(words.value, columns));
    table.show(found);
    count.textContent = `${found.length} of ${plural(list.length, "episode")}`;
  };
  words.addEventListener("input", filter);
  filter();
  return section(
    "episodes",
    "Episodes",
    "Sort by a column's name. Filter by words (all must be there) or by numbers, as in turns>10 reward<1.",
    el("p", { class: "controls" }, el("label", { class: "choice", for: "filter" }, "Filter ", words), count),
    el("p", { class: "small" }, "To read one, choose it: ", how),
    table,
    sources("episodes"),
  );
}

/** What a filter lets through: words anywhere in a row, and comparisons with the columns of numbers. */
function filterOf(text, columns) {
  const tests = text
    .trim()
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => {
      const found = /^(\w+)(<=|>=|<|>|=)(-?[\d.]+)$/.exec(word);
      const column = found ? columns.find((one) => one.num && (one.key === found[1] || one.title === found[1])) : null;
      if (!column) {
        const wanted = word.toLowerCase();
        return (row) =>
          ["episode", "label", "cell", "status", "reason", "scenario"].some((key) =>
            String(row[key] ?? "").toLowerCase().includes(wanted),
          );
      }
      const [, , sign, digits] = found;
      const than = Number(digits);
      const holds = {
        "<": (value) => value < than, ">": (value) => value > than, "=": (value) => value === than,
        "<=": (value) => value <= than, ">=": (value) => value >= than,
      };
      return (row) => row[column.key] !== null && holds[sign](row[column.key]);
    });
  return (row) => tests.every((test) => test(row));
}

const BELIEFS = ["belief_accuracy", "belief_brier", "truth_accuracy"];
const shownElsewhere = new Set(["reward", ...BELIEFS, ...FAILURES, ...COSTS]);
const others = whole.measures.map((one) => one.name).filter((name) => !shownElsewhere.has(name));
const shownSections = [
  success(),
  curves(),
  measured("beliefs", "Beliefs", "Over all turns.", BELIEFS),
  spreads(),
  measured("measures", "More measures", null, others, true),
  failures(),
  spending(),
  everyEpisode(),
].filter(Boolean);

host.append(
  batchHead(),
  el(
    "nav",
    { "aria-label": "Parts" },
    shownSections.map((one) => el("a", { href: `#${one.id}` }, one.querySelector("h2").textContent)),
  ),
  ...shownSections,
  el("footer", {}, el("p", { class: "small" }, "Made by tertulia from its log.")),
);
