// Beliefs over turns, by condition, with intervals over episodes.
const curveTitles = {
  accuracy: ["accuracy", "How often the likeliest value is gold's likeliest (0 to 1, higher is nearer)"],
  brier: ["Brier distance", "The squared distance to gold (0 to 2, lower is nearer)"],
};
const drawn = { y: "accuracy", of: null, hidden: new Set() };

function lineageOf(row) {
  return `${row.level} (${row.estimator}, ${row.rule})`;
}

function curves() {
  const there = whole.curves.filter((one) => one.rows.length);
  if (!there.length) return null;
  const kinds = [...new Set(there.flatMap((one) => one.rows.map(lineageOf)))];
  drawn.of = kinds[0];
  const picture = el("div", {});
  const draw = () => redrawn(picture, () => picture.replaceChildren(...curvePicture(there, kinds, draw)));
  draw();
  return section(
    "curves",
    "Beliefs over turns",
    "How near beliefs come to what should have been believed, turn by turn: items on which all trust rules agree. The " +
      "bands are 95 % intervals over episodes; where few episodes are left they are wide, and n says how many there are.",
    picture,
    commands(
      there.map((one) => [`The points, ${curveTitles[one.y][0]}:`, one.command]),
      [["The sums behind them, for tertulia sql:", whole.curve_sql]],
    ),
  );
}

function curvePicture(there, kinds, draw) {
  const curve = there.find((one) => one.y === drawn.y) ?? there[0];
  const mine = curve.rows.filter((row) => lineageOf(row) === drawn.of);
  const lines = [...grouped(mine, keyOf)];
  const names = there.map((one) => curveTitles[one.y][0]);
  const controls = el(
    "p",
    { class: "controls" },
    choice("Show", names, curveTitles[curve.y][0], (name) => {
      drawn.y = there[names.indexOf(name)].y;
      draw();
    }),
    kinds.length > 1
      ? choice("of beliefs", kinds, drawn.of, (kind) => {
          drawn.of = kind;
          draw();
        })
      : null,
  );
  const shown = lines.filter(([key]) => !drawn.hidden.has(key));
  return [
    controls,
    el("p", { class: "small" }, curveTitles[curve.y][1]),
    el("div", { class: "plot" }, plotOf(shown, mine, curve.y)),
    legend(lines, draw),
    curveTable(lines, curve.y),
  ];
}

function legend(lines, draw) {
  return el(
    "ul",
    { class: "legend-keys" },
    lines.map(([key, of]) => {
      const box = el("input", { type: "checkbox", checked: !drawn.hidden.has(key) });
      box.addEventListener("change", () => {
        if (box.checked) drawn.hidden.delete(key);
        else drawn.hidden.add(key);
        const at = [...box.closest("ul").querySelectorAll("input")].indexOf(box);
        draw();
        document.querySelectorAll("#curves .legend-keys input")[at]?.focus();
      });
      const episodes = Math.max(...of.map((row) => row.episodes));
      return el("li", {}, el("label", {}, box, " ", conditionName(of[0]), ` (n = ${episodes} episodes)`));
    }),
  );
}

function plotOf(lines, all, y) {
  const [left, right, top, bottom] = [46, 706, 12, 250];
  const turns = [...new Set(all.map((row) => row.turn))].sort((a, b) => a - b);
  const [first, last] = [turns[0], turns.at(-1)];
  const most = y === "accuracy" ? 1 : Math.max(0.2, ...all.map((row) => row.high ?? row.value));
  const x = (turn) => (last > first ? left + ((turn - first) / (last - first)) * (right - left) : (left + right) / 2);
  const yAt = (value) => bottom - (value / most) * (bottom - top);
  const every = Math.ceil(turns.length / 14);
  const marked = Math.ceil(turns.length / 10);
  const at = (row, value) => `${x(row.turn).toFixed(1)},${yAt(value).toFixed(1)}`;
  return svg(
    "svg",
    { viewBox: "0 0 720 296", role: "img", "aria-label": `${curveTitles[y][0]} by turn and condition; the table below has the numbers` },
    [0, 0.25, 0.5, 0.75, 1].map((share) => [
      svg("line", { class: "grid", x1: left, x2: right, y1: yAt(share * most), y2: yAt(share * most) }),
      svg("text", { x: left - 6, y: yAt(share * most) + 4, "text-anchor": "end" }, (share * most).toFixed(2)),
    ]),
    turns
      .filter((_, place) => place % every === 0)
      .map((turn) => svg("text", { x: x(turn), y: bottom + 18, "text-anchor": "middle" }, turn)),
    svg("text", { x: (left + right) / 2, y: bottom + 38, "text-anchor": "middle" }, "turn"),
    lines.map(([key, of]) => {
      const known = of.filter((row) => row.low !== null);
      const edge = [...known.map((row) => at(row, row.high)), ...known.map((row) => at(row, row.low)).reverse()];
      return svg("polygon", { class: `band b${indexOf.get(key) % 6}`, points: edge.join(" ") });
    }),
    lines.map(([key, of]) => {
      const index = indexOf.get(key);
      return svg(
        "g",
        {},
        svg("title", {}, labelOf.get(key)),
        svg("polyline", { class: `line l${index % 6}`, points: of.map((row) => at(row, row.value)).join(" ") }),
        of
          .filter((row, place) => of.length < 3 || (place + index) % marked === 0)
          .map((row) => marker(index, x(row.turn), yAt(row.value), 3.6)),
      );
    }),
  );
}

function curveTable(lines, y) {
  const list = lines.flatMap(([, of]) => of);
  const columns = [
    { key: "cell", title: whole.varies, show: conditionName, at: (row) => labelOf.get(keyOf(row)) },
    { key: "turn", title: "turn", num: true },
    { key: "value", title: curveTitles[y][0], num: true, show: (row) => figureText(row.value) },
    { key: "low", title: "95 %", num: true, show: between },
    { key: "n", title: "beliefs", num: true },
    { key: "episodes", title: "episodes", num: true },
  ];
  return el("details", {}, el("summary", {}, "The numbers"), sortable("Every point of the curves", columns, list));
}
