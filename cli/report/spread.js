// How episodes spread: for each condition a histogram, with the median and the middle half.
const BINS = 24;

/** The value below which this share of sorted numbers lies, interpolated. */
function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (place - low) * (sorted[high] - sorted[low]);
}

function histogram(values, [least, most], at) {
  const counts = new Array(BINS).fill(0);
  for (const value of values)
    counts[most > least ? Math.min(BINS - 1, Math.floor(((value - least) / (most - least)) * BINS)) : BINS / 2] += 1;
  const tallest = Math.max(...counts);
  const [wide, high] = [240 / BINS, 34];
  const x = (value) => (most > least ? ((value - least) / (most - least)) * 240 : 120 + wide / 2);
  const sorted = [...values].sort((a, b) => a - b);
  const [low, middle, upper] = [0.25, 0.5, 0.75].map((share) => x(quantile(sorted, share)));
  return svg(
    "svg",
    { class: "spread", viewBox: "0 0 240 44", "aria-hidden": true },
    counts.map((count, bin) =>
      count
        ? svg("rect", {
            class: `filled f${at % 6}`,
            x: bin * wide + 0.5,
            width: wide - 1,
            y: high - Math.max(1.5, (count / tallest) * (high - 2)),
            height: Math.max(1.5, (count / tallest) * (high - 2)),
          })
        : null,
    ),
    svg("line", { class: "base", x1: 0, x2: 240, y1: high, y2: high }),
    svg("line", { class: "half", x1: low, x2: Math.max(upper, low + 1), y1: high + 5, y2: high + 5 }),
    svg("circle", { class: "median", cx: middle, cy: high + 5, r: 3.4 }),
  );
}

function spreadTable(key, title, digits) {
  const known = rows("episodes").filter((row) => playedOut(row) && row[key] !== null);
  if (!known.length) return null;
  const all = known.map((row) => row[key]);
  const span = [Math.min(...all), Math.max(...all)];
  const show = (value) => number(value, digits);
  if (span[0] === span[1]) return el("p", {}, `${title}: ${show(span[0])} in every episode (n = ${known.length}).`);
  const groups = [...grouped(known, cellOf)];
  return el(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": title },
    el(
      "table",
      { class: "numbers spreads" },
      el("caption", {}, `${title}, episode by episode`),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          [whole.varies, [el("span", {}, show(span[0])), el("span", {}, show(span[1]))], "median", "middle half", "range", "n"].map((name, at) =>
            el("th", { scope: "col", class: at > 1 ? "num" : at ? "drawn" : null }, name),
          ),
        ),
      ),
      el(
        "tbody",
        {},
        groups.map(([label, of]) => {
          const sorted = of.map((row) => row[key]).sort((a, b) => a - b);
          const at = whole.conditions.findIndex((one) => one.label === label);
          return el(
            "tr",
            {},
            el("th", { scope: "row" }, at < 0 ? null : [swatch(at), " "], label),
            el("td", { class: "drawn" }, histogram(sorted, span, Math.max(at, 0))),
            el("td", { class: "num", "data-label": "median" }, show(quantile(sorted, 0.5))),
            el(
              "td",
              { class: "num", "data-label": "middle half" },
              `${show(quantile(sorted, 0.25))} to ${show(quantile(sorted, 0.75))}`,
            ),
            el("td", { class: "num", "data-label": "range" }, `${show(sorted[0])} to ${show(sorted.at(-1))}`),
            el("td", { class: "num", "data-label": "n" }, sorted.length),
          );
        }),
      ),
    ),
  );
}

function playedOut(row) {
  return row.status === "success" || row.status === "degraded";
}

function spreads() {
  const tables = [
    spreadTable("reward", "Reward", 3),
    spreadTable("turns", "Turns", 1),
    spreadTable("utterances", "Utterances", 1),
    spreadTable("top_share", "Share of the utterances of whoever made most", 2),
    spreadTable("cost_usd", "Cost, dollars", 4),
    spreadTable("ms_per_call", "Latency, milliseconds a request", 1),
  ].filter(Boolean);
  if (!tables.length) return null;
  return section(
    "spread",
    "How episodes spread",
    "Of the episodes that were played to their end. The dot is the median, the line under the bars the middle half; n " +
      "counts episodes.",
    tables,
    sources("episodes"),
  );
}
