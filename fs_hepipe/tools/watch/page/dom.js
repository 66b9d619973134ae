// Elements and texts. Whatever a message said becomes a text node here, never HTML.

export function element(name, properties, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") made.className = value;
    else if (key === "style") Object.assign(made.style, value);
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key in made && key !== "list") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export const byId = (id) => document.getElementById(id);

// --- settings that this browser keeps ---

export function setting(name, fallback) {
  try {
    return localStorage.getItem(`fs_hepipe.${name}`) ?? fallback;
  } catch {
    return fallback; // a file, or a browser that keeps nothing
  }
}

export function keep(name, value) {
  try {
    localStorage.setItem(`fs_hepipe.${name}`, value);
  } catch {
    // nothing is kept
  }
}

// --- times: microseconds since 1970, 0 if unknown ---

export const zone = { utc: setting("zone", "local") === "utc" };

const two = (number) => String(number).padStart(2, "0");

export function clockOf(micros, digits = 3) {
  if (!micros) return "–";
  const date = new Date(micros / 1000);
  const parts = zone.utc
    ? [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
    : [date.getHours(), date.getMinutes(), date.getSeconds()];
  const fraction = String(Math.floor(micros % 1e6)).padStart(6, "0").slice(0, digits);
  return parts.map(two).join(":") + (digits ? `.${fraction}` : "");
}

export function dayOf(micros) {
  if (!micros) return "time unknown";
  const date = new Date(micros / 1000);
  const parts = zone.utc
    ? [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]
    : [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  return `${parts[0]}-${two(parts[1])}-${two(parts[2])}`;
}

export function zoneName() {
  if (zone.utc) return "UTC";
  const minutes = -new Date().getTimezoneOffset();
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? "−" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

export function lasting(micros) {
  if (!(micros >= 0)) return "";
  const seconds = micros / 1e6;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const rest = `${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
  return whole < 3600 ? rest : `${Math.floor(whole / 3600)}:${rest}`;
}

// --- numbers, each with its unit ---

export const MEASURES = {
  loss: { title: "loss", unit: "%", digits: 1 },
  jitter: { title: "jitter", unit: "ms", digits: 1 },
  rtt: { title: "round trip", unit: "ms", digits: 1 },
  mos: { title: "MOS", unit: "", digits: 2 },
};

export function measured(metric, value) {
  if (value === null || value === undefined) return "–";
  const { unit, digits } = MEASURES[metric];
  return value.toFixed(digits) + (unit ? ` ${unit}` : "");
}

export function sizeOf(octets) {
  if (octets < 1e3) return `${octets} B`;
  return octets < 1e6 ? `${(octets / 1e3).toFixed(0)} kB` : `${(octets / 1e6).toFixed(1)} MB`;
}

export function toneOfMos(mos) {
  if (mos === null || mos === undefined) return "";
  return mos >= 4 ? "good" : mos >= 3.6 ? "fair" : "bad"; // ITU-T G.107 annex B, as the tools have it
}

export function toneOfLoss(share) {
  if (share === null || share === undefined) return "";
  return share >= 0.05 ? "bad" : share >= 0.01 ? "fair" : "good";
}
