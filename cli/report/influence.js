// Whose words moved whose beliefs: a graph of the seats, the amounts behind each arrow, and the same as a table.
const moves = rows("influence");
const spokenAt = grouped(rows("transcript"), (event) => event.turn);
const arrow = { of: null };

function influence(go) {
  if (!moves.length) return null;
  const pairs = [...grouped(moves, (row) => JSON.stringify([row.speaker, row.hearer, row.estimator]))].map(([key, of]) => ({
    key,
    speaker: of[0].speaker,
    hearer: of[0].hearer,
    estimator: of[0].estimator,
    of,
    sum: of.reduce((sum, row) => sum + row.moved, 0),
  }));
  pairs.sort((a, b) => b.sum - a.sum);
  arrow.of = pairs[0].key;
  const told = el("div", { class: "told", "aria-live": "polite" });
  const table = pairsTable(pairs, choose);
  const picture = graph(pairs, choose);
  function choose(pair) {
    arrow.of = pair.key;
    told.replaceChildren(...utterances(pair, go));
    for (const one of [picture, table])
      for (const mark of one.querySelectorAll("[data-pair]")) {
        const chosen = mark.dataset.pair === pair.key;
        mark.classList.toggle("chosen", chosen);
        if (mark.hasAttribute("aria-pressed")) mark.setAttribute("aria-pressed", String(chosen));
      }
  }
  choose(pairs[0]);
  return section(
    "influence",
    "Whose words moved whose beliefs",
    "How far a hearer's own belief went between the turn in which one other claimed something about it and the next " +
      "(total variation, 0 to 1). That it moved after a claim does not say that it moved because of it: beliefs also move " +
      "without one, which the measures belief_drift and claim_influence set beside it.",
    el("div", { class: "influence" }, picture, el("div", {}, table, told)),
    sources("influence"),
    el(
      "p",
      { class: "small" },
      "The means, and what they are: ",
      el("code", { "data-command": true }, `tertulia measures run ${whole.episode} --measure belief_shift --by speaker --by hearer`),
    ),
  );
}

/** Seats on a circle; an arrow from speaker to hearer, the wider, the further beliefs went in all. */
function graph(pairs, choose) {
  const shown = seats.filter((seat) => pairs.some((pair) => pair.speaker === seat || pair.hearer === seat));
  const [middle, round, size] = [180, shown.length > 2 ? 120 : 95, 30];
  const at = new Map(
    shown.map((seat, place) => {
      const angle = (2 * Math.PI * place) / shown.length - Math.PI / 2;
      const flat = shown.length === 2 ? [middle + (place ? round : -round), middle] : null;
      return [seat, flat ?? [middle + round * Math.cos(angle), middle + round * Math.sin(angle)]];
    }),
  );
  const most = Math.max(...pairs.map((pair) => pair.sum), 1e-9);
  const estimators = new Set(pairs.map((pair) => pair.estimator)).size;
  const arrows = pairs.map((pair) => {
    const bend = 26 + 22 * [...pairs].filter((one) => one.speaker === pair.speaker && one.hearer === pair.hearer).indexOf(pair);
    const { path, tip, middle: label } = arc(at.get(pair.speaker), at.get(pair.hearer), size, bend);
    const wide = 1.2 + 7 * (pair.sum / most);
    const says = `${plain(pair.speaker)} to ${plain(pair.hearer)}: ${pair.sum.toFixed(2)} in all, ${plural(pair.of.length, "claim")}`;
    const made = svg(
      "g",
      {
        class: "arrow", tabindex: 0, role: "button", "aria-pressed": "false", "data-pair": pair.key, "aria-label": says,
        "--seat": hueOf.get(pair.speaker) ?? null,
      },
      svg("title", {}, estimators > 1 ? `${says} (${pair.estimator})` : says),
      svg("path", { class: "reach", d: path }),
      svg("path", { class: "shaft", d: path, "stroke-width": wide.toFixed(2) }),
      svg("polygon", { class: "tip", points: tip(5 + wide) }),
      svg("text", { x: label[0], y: label[1] + 4, "text-anchor": "middle" }, pair.sum.toFixed(2)),
    );
    made.addEventListener("click", () => choose(pair));
    made.addEventListener("focus", () => choose(pair));
    made.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose(pair);
    });
    return made;
  });
  return svg(
    "svg",
    { class: "graph", viewBox: "0 0 360 360", role: "group", "aria-label": "Influence, from speaker to hearer" },
    arrows,
    shown.map((seat) => {
      const [x, y] = at.get(seat);
      const short = [...plain(seat)];
      return svg(
        "g",
        { class: "seat", "--seat": hueOf.get(seat) },
        svg("title", {}, seat),
        svg("circle", { cx: x, cy: y, r: size }),
        svg("text", { x, y: y + 4, "text-anchor": "middle" }, short.length > 9 ? `${short.slice(0, 8).join("")}\u2026` : short.join("")),
      );
    }),
  );
}

/** A bent line between two circles: its path, its tip for a size, and where its number stands. */
function arc([x1, y1], [x2, y2], size, bend) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const long = Math.hypot(dx, dy) || 1;
  const [nx, ny] = [-dy / long, dx / long];
  const [cx, cy] = [(x1 + x2) / 2 + nx * bend, (y1 + y2) / 2 + ny * bend];
  const toward = (x, y, by) => {
    const far = Math.hypot(cx - x, cy - y) || 1;
    return [x + ((cx - x) / far) * by, y + ((cy - y) / far) * by];
  };
  const [sx, sy] = toward(x1, y1, size + 2);
  const [ex, ey] = toward(x2, y2, size + 12);
  const [hx, hy] = toward(x2, y2, size + 2);
  const show = (...points) => points.map((one) => one.toFixed(1)).join(",");
  const tip = (wide) => {
    const far = Math.hypot(hx - ex, hy - ey) || 1;
    const [px, py] = [(-(hy - ey) / far) * (wide / 2 + 1), ((hx - ex) / far) * (wide / 2 + 1)];
    return [show(hx, hy), show(ex + px, ey + py), show(ex - px, ey - py)].join(" ");
  };
  return {
    path: `M${show(sx, sy)} Q${show(cx, cy)} ${show(ex, ey)}`,
    tip,
    middle: [(x1 + x2) / 4 + cx / 2 + nx * 10, (y1 + y2) / 4 + cy / 2 + ny * 10],
  };
}

/** The same as a table: a row for each arrow. */
function pairsTable(pairs, choose) {
  const several = new Set(pairs.map((pair) => pair.estimator)).size > 1;
  return el(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Influence by speaker and hearer" },
    el(
      "table",
      { class: "costs" },
      el("caption", {}, "From speaker to hearer"),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          ["from", "to", several ? "estimator" : null, "in all", "a claim", "n"]
            .filter(Boolean)
            .map((title, at) => el("th", { scope: "col", class: at > (several ? 2 : 1) ? "num" : null }, title)),
        ),
      ),
      el(
        "tbody",
        {},
        pairs.map((pair) => {
          const name = el("button", { type: "button", class: "pick" }, who(pair.speaker));
          name.addEventListener("click", () => choose(pair));
          return el(
            "tr",
            { "data-pair": pair.key },
            el("th", { scope: "row" }, name),
            el("td", {}, who(pair.hearer)),
            several ? el("td", {}, pair.estimator) : null,
            el("td", { class: "num" }, pair.sum.toFixed(3)),
            el("td", { class: "num" }, (pair.sum / pair.of.length).toFixed(3)),
            el("td", { class: "num" }, pair.of.length),
          );
        }),
      ),
    ),
    el("p", { class: "small" }, "n counts claims, one for each turn and variable. Choose one to see what was said."),
  );
}

/** What one said to another, with how far each went; the number of a turn leads to it. */
function utterances(pair, go) {
  const list = [...pair.of].sort((a, b) => b.moved - a.moved || a.turn - b.turn);
  return [
    el("h3", {}, who(pair.speaker), " to ", who(pair.hearer)),
    el(
      "ol",
      { class: "said" },
      list.map((row) => {
        const event = (spokenAt.get(row.turn) ?? []).find((one) => one.ordinal === row.event);
        const link = el("a", { class: "no", href: `#turn-${row.turn}` }, `turn ${row.turn}`);
        link.addEventListener("click", () => go(row.turn));
        return el(
          "li",
          {},
          el("b", { class: "motivation" }, row.moved.toFixed(3)),
          ` ${row.variable}, `,
          link,
          ": ",
          el("span", { dir: "auto" }, event?.text ?? ""),
        );
      }),
    ),
  ];
}
