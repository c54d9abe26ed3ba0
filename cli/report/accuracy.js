// How far beliefs lay from gold, over time.
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
  const picture = svg(
    "svg",
    { viewBox: "0 0 720 240", role: "img", "aria-label": "Mean Brier distance of beliefs to gold, by turn" },
    ticks.map((tick) => [
      svg("line", { class: "grid", x1: left, x2: right, y1: y(tick), y2: y(tick) }),
      svg("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, tick.toFixed(2)),
    ]),
    turnsHeld
      .filter((_, at) => at % every === 0)
      .map((turn) => svg("text", { x: x(turn), y: bottom + 18, "text-anchor": "middle" }, turn)),
    svg("text", { x: (left + right) / 2, y: bottom + 36, "text-anchor": "middle" }, "turn"),
    lines.map(([name, of], at) =>
      svg(
        "polyline",
        {
          class: `line l${at % 6}`,
          points: of.map((row) => `${x(row.turn).toFixed(1)},${y(row.gold_brier).toFixed(1)}`).join(" "),
        },
        svg("title", {}, name),
      ),
    ),
    svg("line", { class: "now", x1: left, x2: left, y1: top, y2: bottom }),
  );
  picture.markTurn = (turn) => {
    const now = picture.querySelector(".now");
    for (const end of ["x1", "x2"]) now.setAttribute(end, x(Math.max(turn, first)));
  };
  const key = el(
    "ul",
    { class: "lines" },
    lines.map(([name, of], at) =>
      el("li", { class: `l${at % 6}` }, `${name} (n = ${Math.max(...of.map((row) => row.n))} a turn at most)`),
    ),
  );
  const whole_ = section(
    "accuracy",
    "How near to gold",
    "The mean Brier distance of beliefs to gold (0 to 2, lower is nearer) in each turn, of the items on which all " +
      "trust rules agree. Estimators and orders of belief are not pooled.",
    el("div", { class: "plot" }, picture),
    key,
    sources("accuracy"),
  );
  whole_.markTurn = picture.markTurn;
  return whole_;
}
