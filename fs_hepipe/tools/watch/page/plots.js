// Quality over time: one plot for each measure, one line for each stream, with the worst moments ringed.

import { MEASURES, clockOf, element, measured, toneOfMos, zone } from "./dom.js";

const FLOORS = { loss: [0, 5], jitter: [0, 10], rtt: [0, 50], mos: [1, 4.6] }; // what an axis shows at least
const HEIGHT = 160;

export class Plots {
  constructor(onOpen) {
    this.onOpen = onOpen; // a moment was chosen: the number of its message
    this.plots = [];
    this.off = new Set();
    this.worst = element("ul", { class: "moments" });
    this.table = element("div", { class: "scroller" });
    this.legend = element("div", { class: "chips streams", role: "group", "aria-label": "streams" });
    this.key = element("p", { class: "key" });
    this.grid = element("div", { class: "plots" });
    this.root = element("section", { class: "quality", "aria-label": "quality over time" },
      element("h3", {}, "Quality"), this.table, this.worst, this.legend, this.key, this.grid);
    this.width = 0;
    new ResizeObserver(() => this.#resize()).observe(this.grid);
  }

  show(call) {
    this.call = call;
    const drawn = JSON.stringify([call.streams, [...this.off], document.documentElement.dataset.theme, zone.utc]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.root.hidden = call.streams.length === 0;
    this.table.replaceChildren(...totals(call));
    this.worst.replaceChildren(...call.worst.map((each) => this.#moment(call, each)));
    this.colours = new Map();
    for (const stream of call.streams) {
      if (!this.colours.has(streamOf(stream))) this.colours.set(streamOf(stream), this.colours.size % 8);
    }
    this.legend.replaceChildren(...[...this.colours.keys()].map((name) =>
      this.#chip(call, call.streams.find((stream) => streamOf(stream) === name), name)));
    this.key.replaceChildren(...[...new Set(call.streams.map((stream) => stream.source))].map((source) =>
      element("span", {}, element("i", { class: `swatch ${dashOf({ source })}` }), SOURCES[source] ?? source)));
    for (const plot of this.plots) plot.destroy();
    this.plots = [];
    this.grid.replaceChildren(...Object.keys(MEASURES).map((metric) => this.#figure(call, metric)));
    this.#resize();
  }

  #moment(call, each) {
    const stream = call.streams[each.stream];
    return element("li", {}, element("button", { type: "button", onclick: () => this.onOpen(each.n) },
      element("b", {}, `worst ${MEASURES[each.metric].title} ${measured(each.metric, each.value)}`),
      ` ${clockOf(each.t)} `, element("span", {}, nameOf(call, stream))));
  }

  #chip(call, stream, name) {
    return element("button", {
      type: "button", class: "chip", "aria-pressed": String(!this.off.has(name)),
      onclick: () => {
        if (!this.off.delete(name)) this.off.add(name);
        this.show(this.call);
      },
    }, element("span", { class: `swatch s${this.colours.get(name)}` }), nameOf(call, stream));
  }

  #figure(call, metric) {
    const { title, unit } = MEASURES[metric];
    const shown = call.streams.map((stream) => ({ stream, place: this.colours.get(streamOf(stream)) }))
      .filter(({ stream }) => stream[metric].length && !this.off.has(streamOf(stream)));
    const caption = element("figcaption", {}, element("b", {}, title), unit ? ` ${unit}` : "");
    const figure = element("figure", { class: "plot", "data-metric": metric }, caption);
    if (!shown.length) {
      figure.append(element("p", { class: "none" }, `no ${title} was reported`));
      return figure;
    }
    const box = element("div", { class: "canvas" });
    figure.append(box, values(call, metric, shown));
    const tables = shown.map(({ stream }) => [
      stream[metric].map((point) => point[0] / 1e6), stream[metric].map((point) => point[1])]);
    const worst = call.worst.find((each) => each.metric === metric
      && !this.off.has(streamOf(call.streams[each.stream])));
    const tip = element("div", { class: "tip", hidden: true });
    const plot = new uPlot(this.#options(call, metric, shown, worst, tip), uPlot.join(tables), box);
    box.append(tip);
    box.plot = plot;
    this.plots.push(plot);
    return figure;
  }

  #options(call, metric, shown, worst, tip) {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 },
      ticks: { stroke: colour("--line"), width: 1 }, font: "11px system-ui, sans-serif" };
    const [least, most] = FLOORS[metric];
    const times = call.steps.map((step) => step.t / 1e6).filter(Boolean);
    const [begin, end] = [Math.min(...times), Math.max(...times)];
    const room = Math.max((end - begin) * 0.03, 0.5);
    return {
      width: this.width || 400, height: HEIGHT, padding: [10, 26, 0, 0],
      tzDate: zone.utc ? (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC") : undefined,
      cursor: {
        sync: { key: "fs_hepipe" }, dataIdx: nearest, y: false, drag: { x: true, y: false },
        points: { size: 9, width: 0, fill: (_, at) => colour(`--s${shown[at - 1].place}`) },
      },
      legend: { show: false },
      scales: {
        x: {
          range: (plot, low, high) => { // all of the call, unless somebody zoomed in
            const times = plot.data[0];
            return low === null || (low <= times[0] && high >= times[times.length - 1]) ? [begin - room, end + room] : [low, high];
          },
        },
        y: { range: (_, low, high) => [Math.min(least, low ?? least), Math.max(most, (high ?? most) * 1.12)] },
      },
      axes: [
        { ...axis, space: 70, size: 30, values: (_, splits) => splits.map((split) => clockOf(split * 1e6, 0)) },
        { ...axis, size: 44, splits: metric === "mos" ? () => [1, 2, 3, 4, 4.5] : undefined },
      ],
      series: [
        {},
        ...shown.map(({ stream, place }) => ({
          label: nameOf(call, stream), stroke: colour(`--s${place % 8}`), width: 2, spanGaps: true,
          dash: stream.source === "interval" ? undefined : [6, 3],
          points: { show: true, size: stream.source === "whole call" ? 11 : 6, fill: colour("--panel"), width: 2 },
          paths: stream.source === "whole call" ? () => null : undefined,
        })),
      ],
      hooks: {
        draw: [(plot) => worst && ring(plot, worst, colour("--bad"))],
        setCursor: [(plot) => showTip(plot, tip, metric, call, shown)],
        ready: [(plot) => plot.over.addEventListener("click", () => this.#openNearest(plot, metric, shown))],
      },
    };
  }

  #openNearest(plot, metric, shown) {
    const { left, top } = plot.cursor;
    let best = null;
    for (const { stream } of shown) {
      for (const [time, value, number] of stream[metric]) {
        const away = Math.hypot(plot.valToPos(time / 1e6, "x") - left, plot.valToPos(value, "y") - top);
        if (away < (best?.away ?? 24)) best = { away, number };
      }
    }
    if (best) this.onOpen(best.number);
  }

  #resize() {
    const box = this.grid.querySelector(".canvas");
    if (!box) return;
    this.width = Math.floor(box.clientWidth);
    for (const plot of this.plots) {
      if (this.width > 50 && plot.width !== this.width) plot.setSize({ width: this.width, height: HEIGHT });
    }
  }
}

// Of a stream without a value at the hovered time: the next one beside it.
function nearest(plot, series, at) {
  const values = plot.data[series];
  if (series === 0 || values[at] !== null && values[at] !== undefined) return at;
  const times = plot.data[0];
  let best = at;
  let away = Infinity;
  for (let place = 0; place < values.length; place += 1) {
    if (values[place] === null || values[place] === undefined) continue;
    const distance = Math.abs(times[place] - times[at]);
    if (distance < away) [best, away] = [place, distance];
  }
  const span = plot.scales.x.max - plot.scales.x.min;
  return away < span / 8 ? best : at;
}

function ring(plot, worst, colour) {
  const { ctx } = plot;
  const x = plot.valToPos(worst.t / 1e6, "x", true);
  const y = plot.valToPos(worst.value, "y", true);
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 2.5 * devicePixelRatio;
  ctx.beginPath();
  ctx.arc(x, y, 9 * devicePixelRatio, 0, 2 * Math.PI);
  ctx.stroke();
  ctx.restore();
}

function showTip(plot, tip, metric, call, shown) {
  const { left, idxs } = plot.cursor;
  const rows = [];
  let time = null;
  shown.forEach(({ stream, place }, at) => {
    const index = idxs?.[at + 1];
    const value = index === null || index === undefined ? null : plot.data[at + 1][index];
    if (value === null || value === undefined) return;
    if (Math.abs(plot.valToPos(plot.data[0][index], "x") - left) > plot.over.clientWidth / 8) return;
    time ??= plot.data[0][index];
    rows.push(element("p", {}, element("i", { class: `swatch s${place} ${dashOf(stream)}` }), nameOf(call, stream),
      element("b", {}, measured(metric, value))));
  });
  tip.hidden = left < 0 || !rows.length;
  if (tip.hidden) return;
  tip.replaceChildren(element("p", {}, clockOf(time * 1e6)), ...rows);
  const wide = plot.over.clientWidth;
  const from = plot.over.offsetLeft;
  tip.style.top = `${HEIGHT - 26}px`;
  tip.style.left = `${Math.max(0, Math.min(from + left - tip.offsetWidth / 2, from + wide + 20 - tip.offsetWidth))}px`;
}

const SOURCES = { RTCP: "reported by RTCP", interval: "measured in the interval", "whole call": "of the whole call" };

const streamOf = (stream) => `${stream.at} ${stream.medium} ${stream.direction} ${stream.way}`;

export function nameOf(call, stream) {
  const leg = call.participants[stream.at];
  const who = leg ? `${leg.title}` : "?";
  const way = stream.direction === "received" ? `from ${who}` : stream.direction === "sent" ? `to ${who}` : stream.way;
  return `${stream.medium} ${way}`;
}

const dashOf = (stream) => stream.source === "interval" ? "" : stream.source === "whole call" ? "point" : "dashed";

function values(call, metric, shown) {
  const rows = shown.flatMap(({ stream }) => stream[metric].map(([time, value]) => ({ stream, time, value })));
  rows.sort((one, other) => one.time - other.time);
  return element("details", { class: "values" }, element("summary", {}, `${rows.length} values`),
    element("table", {}, element("tbody", {}, rows.map(({ stream, time, value }) =>
      element("tr", {}, element("td", {}, clockOf(time)), element("td", {}, nameOf(call, stream)), element("td", {}, stream.source),
        element("td", { class: "number" }, measured(metric, value)))))));
}

function totals(call) {
  const rows = call.streams.filter((stream) => stream.total);
  if (!rows.length) return [];
  const cell = (value, tone) => element("td", { class: `number ${tone ?? ""}` }, value);
  return [element("table", { class: "totals" },
    element("thead", {}, element("tr", {}, ["whole call", "codec", "packets", "lost", "jitter", "round trip", "MOS"].map(
      (title, place) => element("th", { class: place > 1 ? "number" : "" }, title)))),
    element("tbody", {}, rows.map((stream) => {
      const { packets, expected, lost, jitter, rtt, mos, source } = stream.total;
      const share = expected > 0 && lost !== undefined && lost <= expected ? ` (${((lost / expected) * 100).toFixed(1)} %)` : "";
      const tone = share && lost / expected >= 0.05 ? "bad" : share && lost / expected >= 0.01 ? "fair" : "";
      return element("tr", {},
        element("th", { scope: "row" }, nameOf(call, stream)),
        element("td", {}, stream.codec || "–"), cell(packets ?? "–"),
        cell(lost === undefined ? "–" : `${lost}${share}`, tone), cell(measured("jitter", jitter)), cell(measured("rtt", rtt)),
        element("td", { class: "number" }, element("b", { class: toneOfMos(mos) }, measured("mos", mos)),
          source ? element("small", {}, ` ${source}`) : null));
    })))];
}
