// The page: the list on one side, the open call on the other, the keys.

import { byId, clockOf, dayOf, element, keep, lasting, setting, sizeOf, zone, zoneName } from "./dom.js";
import { source } from "./source.js";
import { List } from "./list.js";
import { Ladder } from "./ladder.js";
import { Plots } from "./plots.js";
import { Message } from "./message.js";

const REFRESH = 700; // ms between two drawings of the open call
const THEMES = ["auto", "light", "dark"];
const KEYS = [
  ["/", "search"], ["↑ ↓  or  k j", "the call or message before, after"], ["Enter", "open it"],
  ["Esc", "close the message, the call, the search"], ["u", "UTC or local time"], ["t", "dark, light, as the system"],
  ["p", "print"], ["?", "these keys"],
];

const calls = source();
const state = { id: null, call: null, timer: null, isDue: false, last: null };
const list = new List(openCall);
const message = new Message(calls);
let ladder = null;
let plots = null;

// --- the list ---

function listen() {
  const wanted = { q: byId("words").value.trim(), quality: byId("quality").value, id: state.id };
  calls.live(wanted, { onCalls, onCall: refreshSoon, onState });
}

function onCalls(seen) {
  state.last = seen;
  list.show(seen);
  if (seen.rows.some((row) => row.key === state.id)) refreshSoon();
  const { totals } = seen;
  const isSearch = byId("words").value.trim() || byId("quality").value;
  const words = [isSearch ? `${seen.matched} of ${counted(totals.calls, "call")}` : counted(totals.calls, "call")];
  if (totals.messages !== undefined) words.push(counted(totals.messages, "message"), sizeOf(totals.octets));
  if (totals.garbage) words.push(`${totals.garbage} that were no HEP`);
  if (totals.lost) words.push(`${totals.lost} lost, because they came too fast`);
  if (totals.evicted) words.push(`${totals.evicted} older calls are gone`);
  if (seen.matched > seen.order.length) words.push(`the newest ${seen.order.length} are shown`);
  byId("foot").textContent = words.join(" · ");
  if (!totals.calls && !state.id) showNothing();
  else if (!state.id) showChoose();
}

const counted = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

function onState(isLive) {
  byId("connection").textContent = isLive ? "live" : "no connection, trying again";
  byId("connection").className = `connection ${isLive ? "live" : "lost"}`;
}

// --- the open call ---

function openCall(id) {
  location.hash = id === null ? "" : `call=${encodeURIComponent(id)}`;
}

function asked() {
  try {
    return decodeURIComponent(/^#call=(.+)$/.exec(location.hash)?.[1] ?? "") || null;
  } catch {
    return null; // half a percent sign
  }
}

async function follow() {
  const id = asked();
  if (id === state.id) return;
  message.close();
  Object.assign(state, { id, call: null });
  ladder = plots = null;
  list.mark(id);
  document.body.classList.toggle("with-call", id !== null);
  if (id === null) {
    byId("call").replaceChildren();
    if (state.last) onCalls(state.last);
  } else {
    await refresh();
    byId("call").scrollTop = 0;
  }
  if (!calls.isFile) listen();
}

function refreshSoon() {
  if (state.timer !== null) {
    state.isDue = true;
    return;
  }
  state.timer = setTimeout(async () => {
    await refresh();
    state.timer = null;
    if (state.isDue) {
      state.isDue = false;
      refreshSoon();
    }
  }, state.call ? REFRESH : 0);
}

async function refresh() {
  const id = state.id;
  if (id === null) return;
  let call = null;
  try {
    call = await calls.call(id);
  } catch {
    return; // no connection: what is shown stays
  }
  if (id !== state.id) return;
  if (call === null) {
    if (!state.call) {
      byId("call").replaceChildren(back(), element("p", { class: "empty" }, "This call is not kept, or not known yet."));
    } else byId("call").querySelector(".gone")?.removeAttribute("hidden");
    return;
  }
  state.call = call;
  draw();
}

function draw() {
  const { call } = state;
  if (!call) return;
  if (ladder === null) {
    ladder = new Ladder((number) => openMessage(number));
    ladder.onFilter = draw;
    plots = new Plots((number) => openMessage(number));
    byId("call").replaceChildren(element("header", { class: "about", id: "about" }), ladder.root, plots.root);
  }
  byId("about").replaceChildren(...about(call));
  ladder.show(call);
  plots.show(call);
}

function openMessage(number) {
  message.open(state.id, number, document.activeElement);
  ladder.reveal(number);
}

function back() {
  return element("button", { type: "button", class: "back", onclick: () => openCall(null) }, "‹ calls");
}

function about(call) {
  const { row } = call;
  const until = row.ended || row.last;
  const facts = [
    `${dayOf(row.began)} ${clockOf(row.began)} ${zoneName()}`,
    row.answered ? `answered after ${lasting(row.answered - row.began)}` : "not answered",
    row.answered ? `talked ${lasting(until - row.answered)}` : lasting(until - row.began),
    row.node && `by ${row.node}`,
  ];
  const isCall = row.kind === "call";
  return [
    back(),
    element("h2", {}, isCall ? [row.caller || "?", element("span", { class: "to" }, " → "), row.callee || "?"]
      : row.caller || row.key,
      row.name && row.name !== row.caller ? element("small", {}, row.name) : null),
    element("p", { class: "outcome" },
      element("span", { class: `state ${row.failed ? "failed" : row.state}` }, row.cause || row.state),
      row.status ? element("span", { class: "status" }, `SIP ${row.status}`) : null,
      row.quality ? element("span", { class: `verdict ${row.quality}` }, `${row.quality} quality`) : null),
    element("p", { class: "facts" }, (isCall ? facts : facts.slice(0, 1)).filter(Boolean).join(" · ")),
    element("p", { class: "gone", hidden: true }, "The server no longer has this call: what it had is shown."),
    element("details", { class: "ids" }, element("summary", {}, `${call.names.length} Call-IDs and Unique-IDs`),
      element("ul", {}, call.names.map((name) => element("li", {}, element("code", {}, name))))),
    element("p", { class: "actions" },
      calls.isFile ? null : element("a", { class: "button", href: `report?id=${encodeURIComponent(state.id)}`,
        download: "call.html" }, "Save as a file"),
      element("button", { type: "button", class: "button", onclick: () => print() }, "Print")),
  ];
}

function showNothing() {
  byId("call").replaceChildren(element("div", { class: "empty" },
    element("h2", {}, "No message has come yet"),
    element("p", {}, "Send HEP here: in fs_hepipe.conf.xml, "),
    element("pre", {}, '<param name="capture-server" value="udp:127.0.0.1:9060"/>'),
    element("p", {}, "or play a recorded call: "),
    element("pre", {}, "fs-hepipe replay fs_hepipe/tools/recordings/lossy_media.jsonl.gz")));
}

function showChoose() {
  if (byId("call").querySelector(".choose")) return;
  byId("call").replaceChildren(element("div", { class: "empty choose" }, element("p", {}, "Choose a call.")));
}

// --- settings and keys ---

function setTheme(theme, isKept = true) {
  if (isKept) keep("theme", theme);
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = `◐ ${theme}`;
  draw();
}

function setZone(utc) {
  zone.utc = utc;
  keep("zone", utc ? "utc" : "local");
  byId("zone").textContent = zoneName();
  if (state.last) list.show({ ...state.last, rows: [...list.rows.values()].map(({ row }) => row) });
  draw();
}

function nextTheme() {
  const theme = document.documentElement.dataset.theme;
  setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]);
}

function showKeys() {
  const dialog = byId("keys");
  dialog.replaceChildren(element("h2", {}, "Keys"),
    element("dl", {}, KEYS.map(([key, what]) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, what)])),
    element("form", { method: "dialog" }, element("button", { class: "button" }, "Close")));
  dialog.showModal();
}

const KEYED = {
  "/": () => byId("words").select(), "?": showKeys, t: nextTheme, u: () => setZone(!zone.utc), p: () => print(),
  ArrowDown: () => move(1), ArrowUp: () => move(-1), j: () => move(1), k: () => move(-1), Escape: leave,
};

function move(step) {
  const isInCall = ladder !== null && byId("call").contains(document.activeElement);
  if (message.isOpen) {
    const buttons = [...ladder.steps.querySelectorAll("button")];
    const at = buttons.findIndex((button) => Number(button.dataset.n) === message.number);
    const next = buttons[at + step];
    if (next) message.open(state.id, Number(next.dataset.n), next).then(() => ladder.reveal(next.dataset.n));
  } else if (isInCall) ladder.focusBeside(step);
  else list.focusBeside(step);
}

function leave() {
  if (message.isOpen) message.close();
  else if (document.activeElement === byId("words")) byId("words").blur();
  else if (state.id !== null) openCall(null);
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
  const isTyping = event.target.matches?.("input, select, textarea");
  if (isTyping && event.key !== "Escape") return;
  const action = KEYED[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
addEventListener("hashchange", follow);
addEventListener("beforeprint", () => {
  state.theme = document.documentElement.dataset.theme;
  setTheme("light", false);
});
addEventListener("afterprint", () => setTheme(state.theme, false));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());

let typing = null;
byId("search").addEventListener("submit", (event) => event.preventDefault());
byId("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => { list.clear(); listen(); }, calls.isFile ? 0 : 200);
});
byId("theme").addEventListener("click", nextTheme);
byId("zone").addEventListener("click", () => setZone(!zone.utc));
byId("help").addEventListener("click", showKeys);

document.body.classList.toggle("file", calls.isFile);
document.body.classList.toggle("single", calls.isFile && calls.calls.length === 1);
setTheme(setting("theme", "auto"));
setZone(zone.utc);
listen();
if (calls.isFile && calls.calls.length === 1 && !location.hash) openCall(calls.calls[0].row.key);
follow();
