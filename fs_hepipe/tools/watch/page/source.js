// Where calls come from: the server of this page, or the file that this page is.

class Server {
  isFile = false;

  async call(id) {
    return this.#json(`api/call?id=${encodeURIComponent(id)}`);
  }

  async message(id, number) {
    return this.#json(`api/message?id=${encodeURIComponent(id)}&n=${number}`);
  }

  // Calls back with what changed, until it is asked to live with something else.
  live(asked, { onCalls, onCall, onState }) {
    this.stream?.close();
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(asked)) if (value) query.set(key, value);
    this.stream = new EventSource(`api/live?${query}`);
    this.stream.addEventListener("open", () => onState(true));
    this.stream.addEventListener("error", () => onState(false));
    this.stream.addEventListener("calls", (event) => onCalls(JSON.parse(event.data)));
    this.stream.addEventListener("call", (event) => onCall(JSON.parse(event.data)));
    const stream = this.stream;
    clearInterval(this.watching);
    this.watching = setInterval(() => {
      // A browser gives up where the answer was no stream: while a proxy or another server was there.
      if (stream === this.stream && stream.readyState === EventSource.CLOSED) {
        this.live(asked, { onCalls, onCall, onState });
      }
    }, 2000);
  }

  async #json(path) {
    const answer = await fetch(path);
    return answer.ok ? answer.json() : null;
  }
}

class Held {
  isFile = true;

  constructor(data) {
    this.calls = data.calls;
  }

  #find(id) {
    return this.calls.find((call) => call.names.includes(id) || call.row.key === id) ?? null;
  }

  async call(id) {
    return this.#find(id);
  }

  async message(id, number) {
    return this.#find(id)?.messages[number] ?? null;
  }

  live(asked, { onCalls }) {
    const words = (asked.q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const rows = this.calls
      .filter((call) => {
        const row = call.row;
        const text = [row.caller, row.name, row.callee, row.cause, row.status, row.kind, ...call.names].join("\n");
        const fits = !asked.quality || row.quality === "bad" || (asked.quality === "fair" && row.quality === "fair");
        return fits && words.every((word) => text.toLowerCase().includes(word));
      })
      .map((call) => call.row);
    onCalls({ rows, order: rows.map((row) => row.id), matched: rows.length, totals: { calls: this.calls.length } });
  }
}

export function source() {
  const data = document.getElementById("data");
  return data === null ? new Server() : new Held(JSON.parse(data.textContent));
}
