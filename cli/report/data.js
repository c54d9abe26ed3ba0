// What the log answered, and how it becomes elements: every text from outside goes through `el` or `plain`.
const whole = JSON.parse(document.getElementById("data").textContent);
const asked = whole.queries;

/** The rows of one query as objects; none where it was not asked. */
function rows(name) {
  const { columns = [], rows: found = [] } = asked[name] ?? {};
  return found.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at]])));
}

/** Control characters as pictures of themselves, and what turns the direction of the text around it as U+FFFD. */
function plain(text) {
  return String(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\ud800-\udfff]/gu, (found) => {
    const code = found.codePointAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd";
  });
}

/** An element with attributes and children; a child that is no element is shown as text. */
function el(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return dress(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("--")) element.style.setProperty(name, value);
    else element.setAttribute(name, value === true ? "" : plain(value));
  }
  for (const child of children.flat(3)) {
    if (child === null || child === undefined) continue;
    element.append(child instanceof Node ? child : plain(child));
  }
  return element;
}

/** A list of names for people to read. */
function named(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** Rows by the value of `key`, in the order in which it first comes. */
function grouped(list, key) {
  const groups = new Map();
  for (const item of list) {
    const of = key(item);
    if (groups.has(of)) groups.get(of).push(item);
    else groups.set(of, [item]);
  }
  return groups;
}

function percent(share) {
  return `${Math.round(share * 100)}\u2009%`;
}

function number(value, digits) {
  return value === null ? "" : value.toLocaleString("en", { maximumFractionDigits: digits });
}

function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** Where the numbers of a section come from: the queries, as `tertulia sql` takes them. */
function sources(...names) {
  const there = names.filter((name) => name in asked);
  return el(
    "details",
    { class: "source" },
    el("summary", {}, "Where this comes from"),
    el("p", {}, "Each of these can be asked again with ", el("code", {}, "tertulia sql"), "."),
    there.map((name) => [
      el("p", {}, el("b", {}, name), ": ", asked[name].about),
      el("pre", { tabindex: 0 }, el("code", { "data-query": name }, asked[name].sql)),
    ]),
  );
}

function section(id, title, about, ...children) {
  return el(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    el("h2", { id: `${id}-title` }, title),
    about === null ? null : el("p", { class: "about" }, about),
    children,
  );
}

function choice(label, options, chosen, change) {
  const select = el(
    "select",
    {},
    options.map((option) => el("option", { selected: option === chosen }, option)),
  );
  select.addEventListener("change", () => change(options[select.selectedIndex]));
  return el("label", { class: "choice" }, `${label} `, select);
}

/** Draws something anew, and leaves the keyboard where it was: on the control at the same place. */
function redrawn(host, draw) {
  const at = [...host.querySelectorAll("select")].indexOf(document.activeElement);
  draw();
  if (at >= 0) host.querySelectorAll("select")[at]?.focus();
}

const outcome = rows("outcome")[0] ?? null;
const seats = rows("seats").map((seat) => seat.name);
const turns = rows("turns");
const lastTurn = turns.length ? turns.at(-1).turn : 0;
const hueOf = new Map(seats.map((seat, at) => [seat, Math.round((at * 360) / Math.max(seats.length, 1) + 250) % 360]));

/** A participant's name in its colour. */
function who(name) {
  return el("span", { class: "who", "--seat": hueOf.get(name) ?? null }, name);
}
