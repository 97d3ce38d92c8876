// Asks once a second how everything does and draws it. Text is only ever set
// as text; nothing that a camera is called becomes markup.
const svgns = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);
const well = new Set(["well", "ended", "starting"]);
const recent = 15000; // ms for which a sighting's box is shown
const shown = new Map();
const time = (at) => new Date(at).toLocaleTimeString([], { hourCycle: "h23" });

function make(tag, text, parent) {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (parent) parent.append(e);
  return e;
}

function draw(tag, attributes, parent) {
  const e = document.createElementNS(svgns, tag);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  parent.append(e);
  return e;
}

function camera(c) {
  let f = shown.get(c.name);
  if (f) return f;
  const figure = make("figure", undefined, byId("cameras"));
  make("h2", c.name, figure);
  const view = make("div", undefined, figure);
  view.className = "view";
  const img = make("img", undefined, view);
  img.alt = "Live picture of " + c.name;
  img.width = c.width;
  img.height = c.height;
  const svg = draw("svg", { "aria-hidden": "true" }, view);
  const caption = make("figcaption", undefined, figure);
  const line = make("small", "", caption);
  const seen = make("ol", undefined, caption);
  f = { figure, img, svg, line, seen };
  img.addEventListener("load", () => { img.dataset.loaded = "yes"; });
  const next = new Image(); // shown once it is there: the last one stays until then
  next.addEventListener("load", () => { img.src = next.src; });
  f.next = next;
  shown.set(c.name, f);
  return f;
}

function overlay(c, f, now) {
  f.svg.setAttribute("viewBox", `0 0 ${c.width} ${c.height}`);
  f.svg.replaceChildren();
  if (!byId("boxes").checked) return;
  for (const s of c.slots) {
    draw("polygon", { points: s.polygon.map((p) => p.join(",")).join(" ") }, f.svg);
    const [x, y] = s.polygon.reduce((a, p) => [Math.min(a[0], p[0]), Math.min(a[1], p[1])], [Infinity, Infinity]);
    draw("text", { x: x + 4, y: y + 16 }, f.svg).textContent = `${s.name} ${s.count}`;
  }
  for (const [x, y, width, height] of c.persons) draw("rect", { x, y, width, height, class: "person" }, f.svg);
  const newest = new Map(c.seen.map((s) => [s.slot, s])); // of a slot; they come in their order
  for (const s of newest.values()) {
    if (now - Date.parse(s.at) > recent) continue;
    const [x, y, width, height] = s.box;
    draw("rect", { x, y, width, height }, f.svg);
    draw("text", { x: x + 4, y: y + height - 6 }, f.svg).textContent = `${s.action} ${Math.round(s.confidence * 100)} %`;
  }
}

function show(v) {
  document.title = byId("title").textContent = `${v.device} at ${v.store}`;
  const clock = v.clock_offset_ms === null ? "clock not compared" : `clock ${v.clock_offset_ms} ms off`;
  const box = v.outbox;
  byId("line").textContent = `${v.settings ? "Settings no. " + v.settings : "Settings of this machine's file"}, ${clock}, ` +
    `${box.waiting} messages wait${box.oldest ? " since " + time(box.oldest) : ""}` +
    `${box.refused ? ", " + box.refused + " were refused" : ""}${box.error ? ": " + box.error : ""}`;
  byId("floor").textContent = v.floor ? `${v.floor.persons} persons on the floor, ${v.floor.waiting} sightings wait for whose they are; ` +
    `of ${v.floor.came} pictures and readings ${v.floor.late_frames} pictures and ${v.floor.late_readings} readings came too late` +
    `${v.floor.refused ? ", " + v.floor.refused + " were of a time that has not come" : ""}` : "";
  byId("parts").replaceChildren(...v.parts.map((p) => {
    const li = make("li", `${p.part}: ${p.state.replaceAll("_", " ")} since ${time(p.since)}`);
    if (p.detail) make("small", p.detail, li);
    li.className = well.has(p.state) ? (p.state === "well" ? "good" : "") : "bad";
    return li;
  }));
  for (const [name, f] of shown) {
    if (!v.cameras.some((c) => c.name === name)) {
      f.figure.remove();
      shown.delete(name);
    }
  }
  const now = Date.parse(v.now);
  for (const c of v.cameras) {
    const f = camera(c);
    f.next.src = `/cameras/${encodeURIComponent(c.name)}?${v.now}`;
    f.line.textContent = `${c.width} × ${c.height}, ${c.rate.toFixed(1)} a second, ${c.frames} frames, ${c.dropped} dropped`;
    f.seen.replaceChildren(...c.seen.toReversed().slice(0, 5).map((s) =>
      make("li", `${time(s.at)} ${s.action} ${s.quantity} ${s.sku} at ${s.slot}`)));
    overlay(c, f, now);
  }
}

async function ask() {
  try {
    const res = await fetch("/status.json");
    show(await res.json());
    delete document.body.dataset.away;
  } catch (err) {
    document.body.dataset.away = "yes";
    byId("line").textContent = "The program does not answer: " + err.message;
  }
  setTimeout(ask, 1000);
}

byId("boxes").addEventListener("change", () => { for (const f of shown.values()) f.svg.replaceChildren(); });
ask();
