// One message: its payload, and every chunk of it.

import { byId, clockOf, dayOf, element, sizeOf, zoneName } from "./dom.js";

export class Message {
  constructor(source) {
    this.source = source;
    this.root = byId("message");
    this.opener = null;
  }

  get isOpen() {
    return !this.root.hidden;
  }

  async open(call, number, opener) {
    this.opener = opener ?? this.opener;
    const asked = this.asked = (this.asked ?? 0) + 1;
    const found = await this.source.message(call, number);
    if (asked !== this.asked) return; // closed, or another one was opened meanwhile
    this.number = number;
    this.root.replaceChildren(...(found ? content(found) : [element("p", {}, "This message is no longer kept.")]));
    this.root.prepend(element("button", { type: "button", class: "close", title: "close (Esc)", "aria-label": "close",
      onclick: () => this.close() }, "×"));
    this.root.hidden = false;
    document.body.classList.add("with-message");
    for (const each of document.querySelectorAll(".step button.open")) each.classList.remove("open");
    document.querySelector(`.step button[data-n="${Number(number)}"]`)?.classList.add("open");
    this.root.querySelector(".close").focus({ preventScroll: true });
  }

  close() {
    this.asked = (this.asked ?? 0) + 1;
    if (this.root.hidden) return;
    this.root.hidden = true;
    document.body.classList.remove("with-message");
    for (const each of document.querySelectorAll(".step button.open")) each.classList.remove("open");
    this.opener?.isConnected && this.opener.focus();
  }
}

function content(found) {
  const fact = (name, value) => [element("dt", {}, name), element("dd", {}, value)];
  return [
    element("h2", {}, `${found.type_name} `, element("small", {}, `type ${found.type}, HEP${found.version}`)),
    element("dl", {},
      fact("time", `${dayOf(found.t)} ${clockOf(found.t, 6)} ${zoneName()}`),
      fact("from", found.src), fact("to", found.dst), fact("Call-ID", found.call_id || "–"),
      fact("size", sizeOf(found.octets)), found.remarks.map((remark) => fact("remark", remark))),
    element("h3", {}, "Payload"),
    element("pre", { class: "payload", tabIndex: 0 }, pretty(found.payload)),
    found.chunks.length ? element("h3", {}, `${found.chunks.length} chunks`) : null,
    found.chunks.length ? element("div", { class: "scroller" }, element("table", { class: "chunks" },
      element("thead", {}, element("tr", {}, ["offset", "type", "chunk", "length", "value"].map(
        (title) => element("th", {}, title)))),
      element("tbody", {}, found.chunks.map(([offset, vendor, vendorName, type, name, length, value]) =>
        element("tr", {}, element("td", { class: "number" }, offset), element("td", {}, hex(type)),
          element("td", {}, name, vendor ? ` (${vendorName} ${hex(vendor)})` : ""), element("td", { class: "number" }, length),
          element("td", { class: "value" }, value)))))) : null,
  ].filter(Boolean);
}

const hex = (number) => `0x${number.toString(16).padStart(4, "0")}`;

function pretty(text) {
  if (!text.startsWith("{")) return text || "(empty)";
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
