// The code of a shopper, drawn anew every 15 seconds while it is shown.
//
// The device makes a key that no script can read, this one included, and keeps
// it in the browser. The server signs a ticket that is bound to it; what
// changes is computed here, so that a phone without a signal still has a code
// that counts. vision/ticket/doc.go describes the format.

const step = 15;
const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function encode(bytes) {
  let bits = 0, held = 0, out = "";
  for (const b of bytes) {
    held = held << 8 | b;
    bits += 8;
    while (bits >= 5) { out += base32[held >> bits - 5 & 31]; bits -= 5; held &= (1 << bits) - 1; }
  }
  if (bits) out += base32[held << 5 - bits & 31];
  return out;
}

function fromBase64(text) {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
}

function toBase64(bytes) {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

// stored runs one request on the browser's own store.
function stored(mode, ask) {
  return new Promise((done, fail) => {
    const open = indexedDB.open("vouch", 1);
    open.onupgradeneeded = () => open.result.createObjectStore("keys");
    open.onerror = () => fail(open.error);
    open.onsuccess = () => {
      const request = ask(open.result.transaction("keys", mode).objectStore("keys"));
      request.onerror = () => fail(request.error);
      request.onsuccess = () => { open.result.close(); done(request.result); };
    };
  });
}

async function deviceKey() {
  const kept = await stored("readonly", (s) => s.get("device"));
  if (kept) return kept;
  const made = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, false, ["deriveKey"]);
  await stored("readwrite", (s) => s.put(made, "device"));
  return made;
}

async function newTicket(key) {
  const device = toBase64(new Uint8Array(await crypto.subtle.exportKey("raw", key.publicKey)));
  const asked = Date.now();
  const response = await fetch("/v1/tickets", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ device }),
  });
  if (!response.ok) throw new Error(`the server says ${response.status}`);
  const ticket = await response.json();
  const server = await crypto.subtle.importKey("raw", fromBase64(ticket.rotation), { name: "ECDH", namedCurve: "P-256" }, false, []);
  ticket.mac = await crypto.subtle.deriveKey({ name: "ECDH", public: server }, key.privateKey,
    { name: "HMAC", hash: "SHA-256", length: 256 }, false, ["sign"]);
  // The phone's clock may be wrong; the server's is the gates' one.
  ticket.ahead = (asked + Date.now()) / 2 - Date.parse(ticket.now);
  ticket.ends = Date.parse(ticket.expires_at);
  return ticket;
}

function clock(ticket) { return Date.now() - ticket.ahead; }

async function codeOf(ticket) {
  const n = Math.floor(clock(ticket) / 1000 / step);
  const id = ticket.ticket.replace(/-/g, "").match(/../g).map((h) => parseInt(h, 16));
  const message = new Uint8Array(13 + 16 + 8);
  message.set(new TextEncoder().encode("vouch step 1\0"));
  message.set(id, 13);
  new DataView(message.buffer).setBigUint64(29, BigInt(n));
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", ticket.mac, message));
  return `${ticket.code}-${encode([n & 255, ...mac.subarray(0, 6)])}`;
}

// What follows draws a QR code (ISO/IEC 18004) at level M of text in its
// alphanumeric mode.

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

// Of each version at level M: bytes of correction a block, blocks, bytes of
// data in a block (the last `more` blocks have one more), middles of the
// alignment patterns.
const versions = {
  7: [18, 4, 31, 0, [6, 22, 38]], 8: [22, 4, 38, 2, [6, 24, 42]], 9: [22, 5, 36, 2, [6, 26, 46]],
  10: [26, 5, 43, 1, [6, 28, 50]], 11: [30, 5, 50, 4, [6, 30, 54]],
};

const exp = [], log = [];
for (let i = 0, x = 1; i < 255; i++) { exp[i] = x; log[x] = i; x <<= 1; if (x & 256) x ^= 285; }
const times = (a, b) => a && b ? exp[(log[a] + log[b]) % 255] : 0;

function correction(data, n) {
  let generator = [1];
  for (let i = 0; i < n; i++) {
    const next = new Array(generator.length + 1).fill(0);
    generator.forEach((g, j) => { next[j] ^= g; next[j + 1] ^= times(g, exp[i]); });
    generator = next;
  }
  const rest = [...data, ...new Array(n).fill(0)];
  for (let i = 0; i < data.length; i++) {
    const lead = rest[i];
    if (lead) generator.forEach((g, j) => { rest[i + j] ^= times(g, lead); });
  }
  return rest.slice(data.length);
}

function packed(text, version) {
  const [, blocks, size, more] = versions[version];
  const total = blocks * size + more;
  const bits = [];
  const put = (v, n) => { for (let i = n - 1; i >= 0; i--) bits.push(v >> i & 1); };
  put(2, 4);
  put(text.length, version < 10 ? 9 : 11);
  for (let i = 0; i < text.length; i += 2) {
    const a = alphanumeric.indexOf(text[i]);
    if (i + 1 < text.length) put(a * 45 + alphanumeric.indexOf(text[i + 1]), 11); else put(a, 6);
  }
  if (bits.length > total * 8) return null;
  put(0, Math.min(4, total * 8 - bits.length));
  while (bits.length % 8) bits.push(0);
  const bytes = [];
  for (let i = 0; i < bits.length; i += 8) bytes.push(parseInt(bits.slice(i, i + 8).join(""), 2));
  for (let pad = 236; bytes.length < total; pad ^= 236 ^ 17) bytes.push(pad);
  return bytes;
}

function interleaved(bytes, version) {
  const [extra, blocks, size, more] = versions[version];
  const data = [];
  for (let i = 0, at = 0; i < blocks; i++) {
    const n = size + (i >= blocks - more ? 1 : 0);
    data.push(bytes.slice(at, at += n));
  }
  const checks = data.map((d) => correction(d, extra));
  const out = [];
  for (let i = 0; i <= size; i++) for (const d of data) if (i < d.length) out.push(d[i]);
  for (let i = 0; i < extra; i++) for (const c of checks) out.push(c[i]);
  return out;
}

function remainder(v, poly, n) {
  let r = v << n;
  for (let i = 31 - Math.clz32(r); i >= n; i = 31 - Math.clz32(r)) { r ^= poly << i - n; if (!r) break; }
  return v << n | r;
}

// frame sets what every code of a version has. Cells that are not set are null.
function frame(version, mask) {
  const n = 17 + 4 * version;
  const m = Array.from({ length: n }, () => new Array(n).fill(null));
  const set = (x, y, v) => { if (x >= 0 && y >= 0 && x < n && y < n) m[y][x] = v ? 1 : 0; };
  for (const [cx, cy] of [[3, 3], [n - 4, 3], [3, n - 4]]) {
    for (let y = -4; y <= 4; y++) for (let x = -4; x <= 4; x++) {
      const r = Math.max(Math.abs(x), Math.abs(y));
      set(cx + x, cy + y, r !== 2 && r !== 4);
    }
  }
  const middles = versions[version][4];
  for (const cy of middles) for (const cx of middles) {
    if (m[cy][cx] !== null) continue;
    for (let y = -2; y <= 2; y++) for (let x = -2; x <= 2; x++) set(cx + x, cy + y, Math.max(Math.abs(x), Math.abs(y)) !== 1);
  }
  for (let i = 8; i < n - 8; i++) { set(i, 6, i % 2 === 0); set(6, i, i % 2 === 0); }
  const format = remainder(mask, 1335, 10) ^ 21522; // level M is 00
  for (let i = 0; i < 15; i++) {
    const v = format >> i & 1;
    if (i < 6) set(8, i, v); else if (i < 8) set(8, i + 1, v); else if (i === 8) set(7, 8, v); else set(14 - i, 8, v);
    if (i < 8) set(n - 1 - i, 8, v); else set(8, n - 15 + i, v);
  }
  set(8, n - 8, 1);
  const number = remainder(version, 7973, 12);
  for (let i = 0; i < 18; i++) {
    const v = number >> i & 1, a = Math.floor(i / 3), b = n - 11 + i % 3;
    set(a, b, v);
    set(b, a, v);
  }
  return m;
}

const masks = [
  (x, y) => (x + y) % 2, (x, y) => y % 2, (x) => x % 3, (x, y) => (x + y) % 3,
  (x, y) => (Math.floor(y / 2) + Math.floor(x / 3)) % 2, (x, y) => x * y % 2 + x * y % 3,
  (x, y) => (x * y % 2 + x * y % 3) % 2, (x, y) => ((x + y) % 2 + x * y % 3) % 2,
];

// unrest counts what makes a code hard to read: runs, blocks, and too much of
// one colour.
function unrest(m) {
  const n = m.length;
  let sum = 0, black = 0;
  for (let y = 0; y < n; y++) {
    for (const at of [(i) => m[y][i], (i) => m[i][y]]) {
      for (let i = 1, run = 1; i <= n; i++) {
        if (i < n && at(i) === at(i - 1)) run++; else { if (run > 4) sum += run - 2; run = 1; }
      }
    }
    for (let x = 0; x < n; x++) {
      black += m[y][x];
      if (x && y && m[y][x] === m[y - 1][x] && m[y][x] === m[y][x - 1] && m[y][x] === m[y - 1][x - 1]) sum += 3;
    }
  }
  return sum + 10 * Math.floor(Math.abs(black * 100 / n / n - 50) / 5);
}

// qr returns the rows of a code, 1 for black.
export function qr(text) {
  const version = Object.keys(versions).map(Number).find((v) => packed(text, v));
  if (!version) throw new Error("the text is too long for a code");
  const bytes = interleaved(packed(text, version), version);
  let best = null, least = Infinity;
  for (let mask = 0; mask < 8; mask++) {
    const m = frame(version, mask), n = m.length;
    let i = 0;
    for (let right = n - 1; right > 0; right -= 2) {
      if (right === 6) right--; // the timing pattern's column
      const up = (right + 1 & 2) === 0;
      for (let k = 0; k < n; k++) {
        const y = up ? n - 1 - k : k;
        for (const x of [right, right - 1]) {
          if (m[y][x] !== null) continue;
          const bit = i < bytes.length * 8 ? bytes[i >> 3] >> 7 - (i & 7) & 1 : 0;
          i++;
          m[y][x] = bit ^ (masks[mask](x, y) === 0 ? 1 : 0);
        }
      }
    }
    const u = unrest(m);
    if (u < least) { least = u; best = m; }
  }
  return best;
}

function draw(svg, text) {
  const m = qr(text), border = 4;
  let path = "";
  m.forEach((row, y) => row.forEach((v, x) => { if (v) path += `M${x + border} ${y + border}h1v1h-1z`; }));
  svg.setAttribute("viewBox", `0 0 ${m.length + 2 * border} ${m.length + 2 * border}`);
  svg.querySelector("path").setAttribute("d", path);
  svg.dataset.code = text;
}

const shown = document.querySelector("[data-shown-code]");
const said = document.querySelector("[data-code-said]");
let ticket = null, renewing = false;

async function renew() {
  if (renewing) return;
  renewing = true;
  try {
    ticket = await newTicket(await deviceKey());
  } catch (e) {
    if (!ticket || clock(ticket) >= ticket.ends) {
      ticket = null;
      said.textContent = "No code can be had: " + e.message + ". It is tried again.";
    }
  } finally {
    renewing = false;
  }
}

async function tick() {
  if (!ticket || clock(ticket) > ticket.ends - 60_000) await renew();
  if (ticket && clock(ticket) < ticket.ends) {
    draw(shown, await codeOf(ticket));
    const left = step - Math.floor(clock(ticket) / 1000) % step;
    said.textContent = `Changes in ${left} s. Hold it before the gate's camera.`;
  } else {
    shown.querySelector("path").setAttribute("d", "");
  }
  setTimeout(tick, 1000 - (ticket ? clock(ticket) % 1000 : 0));
}

if (shown) tick();
