// Tables that sort by any column, and filter: by mouse and by keyboard, and read out as such.
/**
 * A table of `list`; a column is {key, title, num, show, at}: `show` makes of a row what stands in the cell, `at` what it
 * is sorted by (the value under `key` unless given). What is not known comes last, whichever way it is sorted.
 */
function sortable(label, columns, list, { most = Infinity, chosen = null, order = null } = {}) {
  const state = { by: order?.by ?? null, down: order?.down ?? false, most, found: list };
  const body = el("tbody");
  const heads = columns.map((column, at) => {
    const button = el("button", { type: "button" }, column.title, el("span", { class: "arrow", "aria-hidden": true }));
    button.addEventListener("click", () => {
      state.down = state.by === at ? !state.down : Boolean(column.num);
      state.by = at;
      draw();
    });
    return el("th", { scope: "col", class: column.num ? "num" : null }, button);
  });
  const rest = el("p", { class: "controls" });
  const table = el("table", { class: "sortable" }, el("caption", {}, label), el("thead", {}, el("tr", {}, heads)), body);
  const whole = el(
    "div",
    {},
    el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, table),
    rest,
  );
  function draw() {
    heads.forEach((head, at) => {
      if (at === state.by) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    const ordered = state.by === null ? state.found : inOrder(state.found, columns[state.by], state.down);
    body.replaceChildren(...ordered.slice(0, state.most).map((row) => rowOf(row, columns, chosen)));
    rest.replaceChildren();
    if (ordered.length > state.most) {
      const all = el("button", { type: "button" }, `Show all ${ordered.length}`);
      all.addEventListener("click", () => {
        state.most = Infinity;
        draw();
        table.parentElement.focus();
      });
      rest.append(all);
    }
  }
  whole.show = (found) => {
    state.found = found;
    draw();
  };
  draw();
  return whole;
}

function rowOf(row, columns, chosen) {
  const cells = columns.map((column, at) => {
    const value = column.show ? column.show(row) : row[column.key];
    return at === 0 && !column.num
      ? el("th", { scope: "row" }, value)
      : el("td", { class: column.num ? "num" : null, dir: column.num ? null : "auto" }, value);
  });
  const made = el("tr", {}, cells);
  if (chosen) made.addEventListener("click", () => chosen(row));
  return made;
}

function inOrder(list, column, down) {
  const at = column.at ?? ((row) => row[column.key]);
  const known = list.filter((row) => at(row) !== null && at(row) !== undefined);
  const unknown = list.filter((row) => at(row) === null || at(row) === undefined);
  const sign = down ? -1 : 1;
  known.sort((a, b) => {
    const [one, other] = [at(a), at(b)];
    return sign * (column.num ? one - other : String(one).localeCompare(String(other), "en", { numeric: true }));
  });
  return [...known, ...unknown];
}
