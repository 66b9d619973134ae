// The list of calls: rows are changed in place, and it stands still while somebody is reading or about to click.

import { byId, clockOf, dayOf, element, lasting, measured, toneOfLoss, toneOfMos } from "./dom.js";

export class List {
  constructor(onOpen) {
    this.onOpen = onOpen;
    this.rows = new Map(); // id -> { row, item }
    this.order = [];
    this.opened = null;
    this.list = byId("list");
    this.items = byId("rows");
    this.newer = byId("newer");
    this.isHeld = false;
    this.list.addEventListener("pointerenter", (event) => { this.isHeld = event.pointerType === "mouse"; });
    this.list.addEventListener("pointerleave", () => { this.isHeld = false; this.#arrange(); });
    this.items.addEventListener("focusout", () => setTimeout(() => this.#arrange(), 0));
    this.newer.addEventListener("click", () => { this.list.scrollTop = 0; this.#arrange(true); });
    this.items.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.onOpen(button.dataset.key);
    });
  }

  show({ rows, order }) {
    for (const row of rows) this.#draw(row);
    const wanted = new Set(order);
    for (const [id, { item }] of this.rows) {
      if (!wanted.has(id)) {
        this.rows.delete(id);
        item.remove();
      }
    }
    this.order = order;
    this.#arrange();
  }

  clear() {
    this.rows.clear();
    this.items.replaceChildren();
    this.order = [];
  }

  mark(key) {
    this.opened = key;
    for (const { row, item } of this.rows.values()) this.#markOne(row, item);
  }

  #markOne(row, item) {
    const isOpen = row.key === this.opened;
    item.firstChild.classList.toggle("open", isOpen);
    item.firstChild.ariaCurrent = isOpen ? "true" : null;
  }

  #draw(row) {
    const known = this.rows.get(row.id);
    const item = known?.item ?? element("li");
    const button = item.firstChild ?? element("button", { type: "button" });
    button.dataset.key = row.key;
    button.dataset.id = row.id;
    button.replaceChildren(...rowContent(row));
    if (!item.firstChild) item.append(button);
    this.rows.set(row.id, { row, item });
    this.#markOne(row, item);
  }

  get #isRead() {
    return this.isHeld || this.list.scrollTop > 8 || this.items.contains(document.activeElement);
  }

  #arrange(always = false) {
    const waiting = this.order.filter((id) => !this.rows.get(id)?.item.isConnected).length;
    if (waiting && !always && this.items.childElementCount && this.#isRead) {
      this.newer.hidden = false;
      this.newer.textContent = `${waiting} newer`;
      return;
    }
    this.newer.hidden = true;
    let place = this.items.firstChild;
    for (const id of this.order) {
      const { item } = this.rows.get(id) ?? {};
      if (!item) continue;
      if (item === place) place = place.nextSibling;
      else this.items.insertBefore(item, place);
    }
  }

  focusBeside(step) {
    const buttons = [...this.items.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    const open = buttons.findIndex((button) => button.classList.contains("open"));
    const from = at >= 0 ? at : open;
    buttons[Math.max(0, Math.min(buttons.length - 1, from < 0 ? 0 : from + step))]?.focus();
  }
}

function rowContent(row) {
  const isCall = row.kind === "call";
  const who = isCall && (row.caller || row.callee)
    ? [element("b", {}, row.caller || "?"), element("span", { class: "to" }, " → "), element("b", {}, row.callee || "?")]
    : [element("b", {}, row.caller || row.key || "?"), isCall ? null : element("span", { class: "to" }, ` ${row.kind}`)];
  const until = row.ended || (row.state === "answered" ? row.last : 0);
  const from = row.answered || row.began;
  return [
    element("span", { class: "who" }, who.filter(Boolean)),
    element("time", { title: dayOf(row.began) }, clockOf(row.began, 0)),
    element("span", { class: "how" },
      element("span", { class: `state ${row.failed ? "failed" : row.state}` },
        row.cause && (row.state === "ended" || !isCall) ? row.cause : row.state),
      row.status ? element("span", { class: "status" }, row.status) : null,
      until && row.answered ? element("span", {}, lasting(until - from)) : null),
    element("span", { class: "measures" },
      row.loss !== null ? element("span", { class: toneOfLoss(row.loss) }, `${(row.loss * 100).toFixed(1)} %`) : null,
      row.mos !== null ? element("span", { class: `mos ${toneOfMos(row.mos)}` }, `MOS ${measured("mos", row.mos)}`) : null),
  ];
}
