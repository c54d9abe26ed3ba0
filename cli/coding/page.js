"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const keep = "coding/" + data.coder + "/" + data.items.map((one) => one.item).join("").slice(0, 70);
  let given = {};
  try { given = JSON.parse(localStorage.getItem(keep) || "{}"); } catch { given = {}; }
  let at = 0;

  const element = (name, text, kind) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };
  const codesOf = (item) => data.codes.filter((code) => code.unit === item.unit);
  const done = (item) => codesOf(item).every((code) => (given[item.item] || {})[code.name]);
  const give = (item, name, value) => {
    given[item.item] = { ...given[item.item], [name]: value };
    try { localStorage.setItem(keep, JSON.stringify(given)); } catch { /* a browser that keeps nothing */ }
    place();
  };

  const place = () => {
    const item = data.items[at];
    const count = data.items.filter(done).length;
    document.getElementById("place").textContent =
      `${item.practice ? "practice, " : ""}item ${at + 1} of ${data.items.length}, ${count} coded`;
    document.getElementById("back").disabled = at === 0;
    document.getElementById("next").disabled = at === data.items.length - 1;
  };

  const reading = (item) => {
    const all = element("section");
    if (item.unit === "pair") {
      const sides = element("div", "", "sides");
      for (const side of ["a", "b"]) {
        const one = element("div");
        one.append(element("h2", side.toUpperCase()), element("div", item[side], "said"));
        sides.append(one);
      }
      all.append(sides);
      return all;
    }
    if (item.context) all.append(element("div", item.context, "around"));
    all.append(element("div", item.who ? `${item.who}: ${item.text}` : item.text, "said"));
    if (item.after) all.append(element("div", item.after, "around"));
    return all;
  };

  const asking = (item, code) => {
    const field = element("fieldset");
    field.append(element("legend", code.ask ? `${code.name}: ${code.ask}` : code.name));
    const before = (given[item.item] || {})[code.name] || "";
    if (code.scale === "interval") {
      const input = element("input");
      input.type = "number";
      input.step = "any";
      input.setAttribute("aria-label", code.name);
      if (code.low !== null) { input.min = code.low; input.max = code.high; }
      input.value = before;
      input.addEventListener("input", () => give(item, code.name, input.value));
      field.append(input);
      return field;
    }
    code.levels.concat([""]).forEach((level, place) => {
      const label = element("label");
      const input = element("input");
      input.type = "radio";
      input.name = code.name;
      input.value = level;
      input.checked = level === before;
      input.addEventListener("change", () => give(item, code.name, level));
      label.append(input, " " + (level || "(cannot tell)"));
      if (code.about[place]) label.append(element("span", " " + code.about[place], "about"));
      field.append(label);
    });
    return field;
  };

  const show = () => {
    const item = data.items[at];
    const main = document.getElementById("item");
    main.replaceChildren(reading(item), ...codesOf(item).map((code) => asking(item, code)));
    const field = element("fieldset");
    const note = element("textarea");
    note.setAttribute("aria-label", "note");
    note.value = (given[item.item] || {}).note || "";
    note.addEventListener("input", () => give(item, "note", note.value));
    field.append(element("legend", "note"), note);
    main.append(field);
    place();
  };

  const cell = (text) => {
    const inert = /^[=+\-@\t\r]/.test(text) && !/^[+-]?\d+([.,]\d+)?$/.test(text) ? "'" + text : text;
    return '"' + inert.replaceAll('"', '""') + '"';
  };
  const sheet = () => {
    const names = data.codes.map((code) => code.name);
    const rows = [["coder", "item", "part", ...names, "note"]];
    for (const item of data.items) {
      const mine = given[item.item] || {};
      const part = item.practice ? "practice" : "coding";
      rows.push([data.coder, item.item, part, ...names.map((name) => mine[name] || ""), mine.note || ""]);
    }
    return "\ufeff" + rows.map((row) => row.map(cell).join(",") + "\r\n").join("");
  };

  const go = (by) => {
    at = Math.min(Math.max(at + by, 0), data.items.length - 1);
    show();
    scrollTo(0, 0);
  };
  document.getElementById("back").addEventListener("click", () => go(-1));
  document.getElementById("next").addEventListener("click", () => go(1));
  document.getElementById("save").addEventListener("click", () => {
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([sheet()], { type: "text/csv" }));
    link.download = data.coder + "-coded.csv";
    link.click();
  });
  document.getElementById("title").textContent = data.title;
  document.getElementById("say").textContent = data.say;
  show();
})();
