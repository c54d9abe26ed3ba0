// The floor: who wanted to speak in which turn, who was let, and why the others were not; and what models cost.
const bids = rows("floor");
const bidsAt = grouped(bids, (bid) => bid.turn);

function floor(go) {
  if (!bids.length) return null;
  const there = [...bidsAt.keys()];
  const table = el(
    "table",
    { class: "floor" },
    el("caption", {}, "Bids by turn"),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th", { scope: "col" }, "seat"),
        there.map((turn) => el("th", { scope: "col", "data-turn": turn }, turn)),
      ),
    ),
    el(
      "tbody",
      {},
      seats.map((seat) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, who(seat)),
          there.map((turn) =>
            bidCell(
              bidsAt.get(turn).find((bid) => bid.participant === seat),
              turn,
            ),
          ),
        ),
      ),
    ),
  );
  table.addEventListener("click", (event) => {
    const turn = event.target.closest("[data-turn]")?.dataset.turn;
    if (turn !== undefined) go(Number(turn));
  });
  const key = [
    ["won", "got the floor"],
    ["lost", "wanted it and did not get it"],
    ["cut", "was given it and interrupted"],
    ["not", "did not want it"],
  ];
  return section(
    "floor",
    "The floor",
    "The wider the mark, the more motivated the bid (1.0 to 5.0). The reasons of the chosen turn stand under " +
      "'Who wanted the floor'.",
    el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "The floor by turn" }, table),
    el(
      "p",
      { class: "small legend" },
      key.map(([kind, says]) => [el("span", { class: `bid ${kind}`, "--m": 3 }), ` ${says}  `]),
    ),
    sources("floor"),
  );
}

function stateOf(bid) {
  return bid.interrupted ? "cut" : bid.won ? "won" : bid.wants ? "lost" : "not";
}

function bidCell(bid, turn) {
  if (!bid) return el("td", { "data-turn": turn });
  const motivated = bid.motivation === null ? "" : `${bid.motivation.toFixed(2)}, `;
  const says = `turn ${turn}, ${bid.participant}: ${motivated}${bid.reason}`;
  return el(
    "td",
    { "data-turn": turn, title: says },
    el("span", { class: `bid ${stateOf(bid)}`, "--m": bid.motivation ?? 1, role: "img", "aria-label": says }),
  );
}

/** The bids of one turn, with what was said of each. */
function bidsOf(turn) {
  const found = bidsAt.get(turn);
  if (!found) return null;
  const order = [...found].sort(
    (a, b) => b.won - a.won || b.wants - a.wants || (b.motivation ?? 0) - (a.motivation ?? 0),
  );
  return el(
    "table",
    { class: "bids" },
    el("caption", {}, "Who wanted the floor"),
    el(
      "tbody",
      {},
      order.map((bid) =>
        el(
          "tr",
          { class: stateOf(bid) },
          el("th", { scope: "row" }, who(bid.participant)),
          el("td", { class: "num" }, bid.motivation === null ? "\u2013" : bid.motivation.toFixed(2)),
          el(
            "td",
            { dir: "auto" },
            el("b", {}, { won: "has the floor:", cut: "is interrupted:", lost: "loses:", not: "" }[stateOf(bid)]),
            ` ${bid.reason}`,
          ),
        ),
      ),
    ),
  );
}

const costColumns = [
  ["participant", "seat"],
  ["purpose", "purpose"],
  ["model", "model"],
  ["calls", "calls"],
  ["attempts", "attempts"],
  ["errors", "errors"],
  ["fallbacks", "fallbacks"],
  ["input_tokens", "tokens in"],
  ["cached_tokens", "of them cached"],
  ["output_tokens", "tokens out"],
  ["cost_usd", "$"],
  ["latency_ms", "ms"],
];

function costs() {
  const found = rows("costs");
  if (!found.length) return null;
  const unknown = found.some((row) => row.unknown_prices > 0);
  return section(
    "costs",
    "Costs",
    unknown ? "Some prices are not known: dollars are too low by them." : null,
    el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Costs" },
      el(
        "table",
        { class: "costs" },
        el("caption", {}, "What models were asked"),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            costColumns.map(([, title]) => el("th", { scope: "col" }, title)),
          ),
        ),
        el(
          "tbody",
          {},
          found.map((row) =>
            el(
              "tr",
              {},
              costColumns.map(([column], at) =>
                at === 0
                  ? el("th", { scope: "row" }, who(row.participant))
                  : el(
                      "td",
                      { class: at > 2 ? "num" : null },
                      at > 2 ? number(row[column], column === "cost_usd" ? 6 : 0) : row[column],
                    ),
              ),
            ),
          ),
        ),
      ),
    ),
    sources("costs"),
  );
}
