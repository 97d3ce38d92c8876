// What the pages do beyond showing: step through the timeline, follow a visit
// that goes on, and answer reviews from the keyboard. Without this script all
// of it is there to read.

const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const typing = (e) => e.target.closest("input:not([type=range]), select, textarea, video");

let step = -1; // the event on the stage

function steps() { return [...document.querySelectorAll(".stage .step")]; }

function show(n, { say = true, scroll = false } = {}) {
  const all = steps();
  if (!all.length) return;
  step = Math.max(0, Math.min(n, all.length - 1));
  for (const s of all) {
    const now = Number(s.dataset.step) === step;
    s.classList.toggle("now", now);
    const clip = s.querySelector("video");
    if (clip && now && !calm) clip.play().catch(() => {}); // a browser may want a click first
    if (clip && !now) clip.pause();
  }
  for (const a of document.querySelectorAll(".line a")) {
    const now = Number(a.dataset.step) === step;
    a.classList.toggle("now", now);
    if (now) a.setAttribute("aria-current", "step"); else a.removeAttribute("aria-current");
    if (now) reveal(a);
  }
  const scrub = document.querySelector(".scrub");
  scrub.querySelector("input").value = step;
  scrub.querySelector("input").setAttribute("aria-valuetext", titleOf(all[step]));
  scrub.querySelector("output").textContent = `${step + 1} of ${all.length}`;
  for (const b of scrub.querySelectorAll("button")) {
    b.disabled = step + Number(b.dataset.go) < 0 || step + Number(b.dataset.go) >= all.length;
  }
  if (say) document.getElementById("said").textContent = titleOf(all[step]);
  if (scroll) document.querySelector(".scrub").scrollIntoView({ behavior: calm ? "auto" : "smooth" });
}

function titleOf(s) { return s.querySelector("h3").textContent; }

// reveal scrolls the timeline and never the page.
function reveal(a) {
  const line = a.closest(".line");
  const top = a.parentElement.offsetTop;
  if (top < line.scrollTop || top + a.offsetHeight > line.scrollTop + line.clientHeight) {
    line.scrollTop = top - line.clientHeight / 2;
  }
}

function pin(n) { history.replaceState(null, "", `#step-${n}`); }

function begin() {
  const all = steps();
  if (!all.length) return;
  document.querySelector(".story").classList.add("stepping");
  document.querySelector(".scrub").hidden = false;
  const asked = /^#step-(\d+)$/.exec(location.hash);
  const first = document.querySelector(".line li.doubt a, .line li.f-sensor:not(.minor) a");
  const open = document.querySelector("[data-live]");
  show(asked ? Number(asked[1]) : open ? all.length - 1 : first ? Number(first.dataset.step) : 0, { say: false });
}

document.addEventListener("click", (e) => {
  const go = e.target.closest("[data-go]");
  const to = e.target.closest("a[data-step]");
  if (go) { show(step + Number(go.dataset.go)); pin(step); }
  if (to && steps().length) {
    e.preventDefault();
    show(Number(to.dataset.step), { scroll: !to.closest(".line") || innerWidth < 1024 });
    pin(step);
  }
});

document.addEventListener("input", (e) => {
  if (e.target.matches(".scrub input")) { show(Number(e.target.value)); pin(step); }
});

document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || typing(e)) return;
  if (steps().length && timeline(e)) return;
  if (document.querySelector("[data-review]")) review(e);
});

function timeline(e) {
  const to = { ArrowLeft: step - 1, ArrowRight: step + 1, Home: 0, End: steps().length - 1 }[e.key];
  if (to === undefined) return false;
  e.preventDefault();
  show(to);
  pin(step);
  return true;
}

// What a program saw lies beside the pictures as data. It is drawn over them
// while somebody asks for it, and is never in them.
const SVG = "http://www.w3.org/2000/svg";

function draw(tag, attributes, text) {
  const e = document.createElementNS(SVG, tag);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  if (text) e.textContent = text;
  return e;
}

function overlay(size, boxes) {
  const svg = draw("svg", { viewBox: `0 0 ${size[0]} ${size[1]}`, class: "boxes", "aria-hidden": "true" });
  for (const b of boxes ?? []) {
    const [x, y, width, height] = b.rect;
    const g = draw("g", { class: b.kind });
    g.append(draw("rect", { x, y, width, height }));
    g.append(draw("text", { x: x + 4, y: Math.max(16, y + 16) }, b.score ? `${b.label} ${(b.score / 10).toFixed(1)} %` : b.label));
    svg.append(g);
  }
  return svg;
}

async function toggleBoxes(button) {
  const box = button.closest("[data-boxes]");
  const drawn = box.querySelectorAll("svg.boxes");
  for (const s of drawn) s.remove();
  button.setAttribute("aria-pressed", String(!drawn.length));
  if (drawn.length) return;
  const answer = await fetch(box.dataset.boxes);
  if (!answer.ok) { button.textContent = "It cannot be shown"; return; }
  const seen = await answer.json();
  for (const f of seen.frames ?? []) {
    const frame = box.querySelector(`figure[data-role="${CSS.escape(f.role)}"] .frame`);
    frame?.querySelector("svg.boxes")?.remove();
    frame?.append(overlay(seen.size, f.boxes));
  }
}

function offerBoxes() {
  for (const b of document.querySelectorAll("[data-boxes-on]")) b.hidden = false;
}

document.addEventListener("click", (e) => {
  const button = e.target.closest("[data-boxes-on]");
  if (button) toggleBoxes(button);
});

// Reviews: one question is the active one; letters answer it.
let active = 0;

function review(e) {
  const all = [...document.querySelectorAll("[data-review]")];
  const key = e.key.toLowerCase();
  if (key === "j" || key === "k") {
    active = Math.max(0, Math.min(all.length - 1, active + (key === "j" ? 1 : -1)));
    mark(all);
    all[active].focus();
    return;
  }
  const button = all[active]?.querySelector(`[data-key="${key}"]`);
  if (button) { e.preventDefault(); button.click(); }
}

function mark(all) {
  all.forEach((r, i) => r.classList.toggle("active", i === active));
  const clip = all[active]?.querySelector("video");
  if (clip && !calm) clip.play().catch(() => {});
}

// A visit that goes on is fetched again when it moves. Whoever looks at an
// earlier event keeps looking at it; an open form is left alone.
let again = 0;

function follow() {
  const page = document.querySelector("article.visit[data-live]");
  if (!page) return;
  const source = new EventSource(`/v1/visits/${encodeURIComponent(page.dataset.visit)}/live`);
  const due = () => { clearTimeout(again); again = setTimeout(() => refresh(source), 200); };
  source.addEventListener("cart", (e) => {
    const now = document.querySelector("article.visit");
    if (Number(e.lastEventId) > Number(now.dataset.revision)) due();
  });
  source.addEventListener("money", due);
  addEventListener("pagehide", () => source.close());
}

async function refresh(source) {
  const old = document.querySelector("article.visit");
  if (old.querySelector("details[open], .decide :focus, [aria-pressed=true]")) {
    again = setTimeout(() => refresh(source), 2000);
    return;
  }
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("article.visit");
  if (!next) return;
  const last = step === steps().length - 1;
  const was = step;
  old.replaceWith(next);
  if (steps().length) {
    document.querySelector(".story").classList.add("stepping");
    document.querySelector(".scrub").hidden = false;
    show(last ? steps().length - 1 : was, { say: last });
  }
  offerBoxes();
  if (next.dataset.live === undefined) source.close();
}

begin();
offerBoxes();
follow();
mark([...document.querySelectorAll("[data-review]")]);
