// The ladder of a call: a column for each participant, a row for each message.

import { clockOf, element, lasting } from "./dom.js";

const GAP = 2e6; // microseconds of silence that are told
const MANY = 60; // steps from which RTCP is not shown at once
const KINDS = { sip: "SIP", log: "events", line: "log lines", rtcp: "RTCP", quality: "quality", other: "other" };

export class Ladder {
  constructor(onOpen) {
    this.onOpen = onOpen;
    this.hidden = null;
    this.drawn = new Map(); // number of a message -> its row
    this.chips = element("div", { class: "chips", role: "group", "aria-label": "what the ladder shows" });
    this.head = element("div", { class: "participants" });
    this.lines = element("div", { class: "lifelines", "aria-hidden": "true" });
    this.steps = element("ol", { class: "steps" });
    this.note = element("p", { class: "note", hidden: true });
    this.root = element("section", { class: "ladder", "aria-label": "ladder" },
      this.chips, this.note, element("div", { class: "rungs" }, this.head, this.lines, this.steps));
    this.steps.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.onOpen(Number(button.dataset.n));
    });
  }

  show(call) {
    const count = call.participants.length;
    this.root.style.setProperty("--columns", count);
    this.head.replaceChildren(...call.participants.map(participant));
    this.lines.replaceChildren(...call.participants.map((_, place) =>
      element("i", { style: { left: `${centre(place, count)}%` } })));
    const kinds = countKinds(call.steps);
    this.hidden ??= new Set(call.steps.length > MANY && kinds.rtcp ? ["rtcp"] : []);
    this.#showChips(kinds);
    this.note.hidden = !call.dropped;
    this.note.textContent = `${call.dropped} messages in the middle are no longer kept.`;
    const worst = new Map(call.worst.map((each) => [each.n, each.metric]));
    const first = call.steps[0]?.t ?? 0;
    const wanted = [];
    let before = 0;
    for (const step of call.steps) {
      if (this.hidden.has(step.kind)) continue;
      if (before && step.t - before > GAP) wanted.push(gap(step.t - before));
      before = step.t || before;
      wanted.push(this.#row(step, count, call.switch, first, worst.get(step.n)));
    }
    reconcile(this.steps, wanted);
    if (this.drawn.size > call.steps.length) this.#forget(call.steps); // messages that are no longer kept
  }

  #forget(steps) {
    const kept = new Set(steps.map((step) => step.n));
    for (const number of this.drawn.keys()) if (!kept.has(number)) this.drawn.delete(number);
  }

  #row(step, count, place, first, worst) {
    const key = JSON.stringify([step, count, place, first, worst, clockOf(step.t)]);
    const known = this.drawn.get(step.n);
    if (known?.key === key) return known;
    const item = stepRow(step, count, place, first, worst);
    item.key = key;
    this.drawn.set(step.n, item);
    return item;
  }

  #showChips(kinds) {
    this.chips.replaceChildren(...Object.entries(kinds).map(([kind, number]) =>
      element("button", {
        type: "button", class: `chip kind-${kind}`, "aria-pressed": String(!this.hidden.has(kind)),
        onclick: () => {
          if (!this.hidden.delete(kind)) this.hidden.add(kind);
          this.onFilter();
        },
      }, element("span", { class: "sign" }), `${KINDS[kind]} `, element("small", {}, number))));
  }

  onFilter() {}

  focusBeside(step) {
    const buttons = [...this.steps.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    buttons[Math.max(0, Math.min(buttons.length - 1, at + step))]?.focus();
  }

  reveal(number) {
    const button = this.steps.querySelector(`button[data-n="${Number(number)}"]`);
    button?.scrollIntoView({ block: "center" });
    return button;
  }
}

const centre = (place, count) => ((place + 0.5) / count) * 100;

function countKinds(steps) {
  const found = {};
  for (const kind of Object.keys(KINDS)) {
    const number = steps.filter((step) => step.kind === kind).length;
    if (number) found[kind] = number;
  }
  return found;
}

function participant(each) {
  return element("div", { class: `participant ${each.role}`, title: each.call_id && `Call-ID ${each.call_id}` },
    element("span", { class: "role" }, each.role),
    element("b", {}, each.role === "switch" ? "FreeSWITCH" : each.title),
    element("small", {}, each.address || " "));
}

function gap(micros) {
  return element("li", { class: "gap" }, element("span", {}, lasting(micros)));
}

function stepRow(step, count, place, first, worst) {
  const [from, to] = step.way ?? [place, place];
  const left = Math.min(from, to);
  const lane = element("span", { class: "lane" });
  const start = step.way ? centre(left, count) : centre(place, count);
  const label = element("span", { class: `label ${start >= 45 ? "late" : ""}`, style: { left: `${start}%` } },
    element("b", {}, step.title), step.text ? ` ${step.text}` : null,
    worst ? element("span", { class: "worst" }, `worst ${worst}`) : null,
    step.remarks ? element("span", { class: "worst" }, "remark") : null);
  label.style.setProperty("--start", `${start}%`);
  lane.append(label);
  if (step.way) {
    lane.append(element("span", {
      class: `arrow ${to > from ? "right" : "left"}`,
      style: { left: `${start}%`, width: `${(Math.abs(to - from) / count) * 100}%` },
    }));
  } else {
    lane.append(element("span", { class: "dot", style: { left: `${start}%` } }));
  }
  return element("li", { class: `step kind-${step.kind} ${step.tone ? `tone-${step.tone}` : ""}` },
    element("button", {
      type: "button", "data-n": step.n, title: `${step.src} → ${step.dst}`,
      "aria-label": `${clockOf(step.t)} ${step.title} ${step.text}`,
    },
    element("time", {}, clockOf(step.t), element("small", {}, step.t ? `+${((step.t - first) / 1e6).toFixed(3)}` : "")),
    lane));
}

export function reconcile(parent, wanted) {
  let place = parent.firstChild;
  for (const item of wanted) {
    if (item === place) place = place.nextSibling;
    else parent.insertBefore(item, place);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}
