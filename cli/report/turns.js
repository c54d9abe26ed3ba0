// The transcript: what happened in each turn, and, folded under it, what was thought.
const claimsOf = grouped(rows("claims"), (claim) => claim.event);
const thoughts = rows("thoughts");

/** What became of a thought up to each turn: its appraisals as `{turn, status, motivation}`. */
function appraisals(thought) {
  return (thought.history ?? "")
    .split(" ")
    .filter(Boolean)
    .map((step) => {
      const [turn, status, motivation] = step.split(":");
      return { turn: Number(turn), status, motivation };
    });
}

const thoughtsAt = new Map();
for (const thought of thoughts) {
  const steps = appraisals(thought);
  if (!steps.some((step) => step.turn === thought.turn))
    steps.unshift({ turn: thought.turn, status: "formed", motivation: null });
  for (const step of steps) {
    if (!thoughtsAt.has(step.turn)) thoughtsAt.set(step.turn, []);
    thoughtsAt.get(step.turn).push({ ...thought, ...step, isNew: step.turn === thought.turn });
  }
}

function transcript() {
  const events = grouped(rows("transcript"), (event) => event.turn);
  const list = el(
    "ol",
    { class: "turns" },
    turns.map((turn) => turnItem(turn, events.get(turn.turn) ?? [])),
  );
  const openAll = el("button", { type: "button" }, "Open all thoughts");
  openAll.addEventListener("click", () => {
    const all = [...list.querySelectorAll("details")];
    const open = all.some((one) => !one.open);
    for (const one of all) one.open = open;
    openAll.textContent = open ? "Fold all thoughts" : "Open all thoughts";
  });
  const about = thoughts.length ? "Thoughts are folded under each turn." : null;
  return section(
    "transcript",
    "Transcript",
    about,
    thoughts.length ? el("p", { class: "controls" }, openAll) : null,
    el("div", { class: "pane", tabindex: 0, role: "region", "aria-label": "Transcript" }, list),
    sources("transcript", "claims", "thoughts", "turns"),
  );
}

function turnItem(turn, events) {
  const held = thoughtsAt.get(turn.turn) ?? [];
  return el(
    "li",
    { class: "turn", id: `turn-${turn.turn}` },
    el("a", { class: "no", href: `#turn-${turn.turn}`, "aria-label": `turn ${turn.turn}` }, turn.turn),
    el(
      "div",
      {},
      events.length ? events.map(eventItem) : el("p", { class: "quiet" }, turn.closing ? "(the end)" : "(silence)"),
      held.length ? thoughtList(held) : null,
    ),
  );
}

function eventItem(event) {
  const to = JSON.parse(event.addressees ?? "[]") ?? [];
  const spoken = event.kind === "say" || event.kind === "whisper";
  const heard = (event.witnesses ?? "").split(", ").filter(Boolean);
  const hidden = heard.length && heard.length < seats.length;
  const how = event.kind === "whisper" ? " whispers" : "";
  return el(
    "div",
    { class: `event ${spoken ? event.kind : "happening"}`, "--seat": hueOf.get(event.actor) ?? null },
    spoken
      ? el(
          "p",
          { class: "speaker" },
          who(event.actor ?? "?"),
          how,
          to.length ? ` to ${named(to)}` : "",
          event.origin === "scripted" ? el("small", {}, " scripted") : null,
        )
      : null,
    el("p", { class: "words", dir: "auto" }, event.text),
    hidden
      ? el(
          "p",
          { class: "small" },
          `${spoken ? "heard" : "witnessed"} by ${named(heard)}`,
          event.onlookers ? `; ${named(event.onlookers.split(", "))} noticed only that it happened` : "",
        )
      : null,
    (claimsOf.get(event.event) ?? []).map(claimLine),
  );
}

function claimLine(claim) {
  const verdict = claim.category ?? (claim.believed === null ? "no belief stated" : "");
  return el(
    "p",
    { class: "small claim" },
    `claims ${claim.variable} ${claim.holds ? "=" : "\u2260"} ${claim.value} (${claim.established})`,
    claim.believed === null ? "" : `; believed ${percent(claim.believed)} (${claim.estimator})`,
    verdict ? [": ", el("b", { class: `v-${verdict}` }, verdict)] : null,
  );
}

function thoughtList(held) {
  const fresh = held.filter((thought) => thought.isNew).length;
  const kept = held.length - fresh;
  const label = [fresh ? `${plural(fresh, "new thought")}` : null, kept ? `${kept} from before` : null];
  return el(
    "details",
    { class: "thoughts" },
    el("summary", {}, label.filter(Boolean).join(", ")),
    el("ul", {}, [...held].sort((a, b) => (b.motivation ?? 0) - (a.motivation ?? 0)).map(thoughtItem)),
  );
}

function thoughtItem(thought) {
  const later =
    thought.spoken_turn !== null && thought.status !== "spoken" ? `, spoken in turn ${thought.spoken_turn}` : "";
  const why = thought.appraised_turn === thought.turn ? thought.reason_for : null;
  return el(
    "li",
    { class: thought.status === "spoken" ? "spoken" : "unspoken" },
    who(thought.holder),
    " ",
    el("b", { class: "motivation" }, thought.motivation ?? "\u2013"),
    " ",
    el("span", { dir: "auto" }, thought.text),
    el("small", {}, ` ${thought.isNew ? "new" : "from before"}, ${thought.status}${later}`, why ? `; for: ${why}` : ""),
  );
}

/** Marks the chosen turn, and brings it into the pane without moving the page. */
function markTurn(turn) {
  for (const item of document.querySelectorAll(".turn[aria-current]")) item.removeAttribute("aria-current");
  const item = document.getElementById(`turn-${turn}`);
  if (!item) return;
  item.setAttribute("aria-current", "step");
  const pane = item.closest(".pane");
  if (pane.scrollHeight <= pane.clientHeight) return;
  const above = item.getBoundingClientRect().top - pane.getBoundingClientRect().top + pane.scrollTop;
  if (above < pane.scrollTop || above + item.offsetHeight > pane.scrollTop + pane.clientHeight)
    pane.scrollTop = above - pane.clientHeight / 3;
}
