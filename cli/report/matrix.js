// Who believes what about whom at one turn.
/** Who believes what about whom at one turn: holders down, those they model across, themselves on the diagonal. */
function matrices(turn) {
  const { variable } = shown;
  const joined = (a, b, sign) => (a === b ? a : `${a}${sign}${b}`);
  const tables = [
    [">", "what the one on the left thinks the one above believes"],
    ["&", "what the one on the left takes to be common ground with the one above"],
  ];
  return tables.map(([sign, about]) => {
    if (
      !chains.some((chain) => kindOf(chain) === (sign === ">" ? kinds[1] : kinds[2])) &&
      (sign === "&" || !chains.length)
    )
      return null;
    return el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": `${variable}: ${about}` },
      el(
        "table",
        { class: "matrix" },
        el("caption", {}, el("b", {}, variable), `: ${about}`),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            el("td", {}),
            seats.map((seat) => el("th", { scope: "col" }, who(seat))),
          ),
        ),
        el(
          "tbody",
          {},
          seats.map((one) =>
            el(
              "tr",
              {},
              el("th", { scope: "row" }, who(one)),
              seats.map((other) => matrixCell(joined(one, other, sign), variable, turn, one === other)),
            ),
          ),
        ),
      ),
    );
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
  const off = mark && gold.row.robust === 1;
  return el(
    "td",
    { class: `${own ? "own" : ""}${off ? " off" : ""}`, title: chain },
    el("span", { class: "value" }, even && belief.of.size > 1 ? "any" : value),
    " ",
    el("b", {}, percent(p)),
    mark ? el("small", {}, mark) : null,
  );
}
