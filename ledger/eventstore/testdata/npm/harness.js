"use strict";
// A check is a function that throws. Its outcome is one line of JSON on
// standard output, which the Go test turns into a subtest.

const assert = require("node:assert/strict");

const limit = 120_000; // milliseconds that one check may take, on a machine that is busy

async function check(name, body) {
  const line = { check: name, ok: true };
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${limit} ms`)), limit);
  });
  try {
    await Promise.race([body(), late]);
  } catch (error) {
    line.ok = false;
    line.error = String(error?.stack ?? error);
  } finally {
    clearTimeout(timer);
  }
  process.stdout.write(JSON.stringify(line) + "\n");
}

// refused requires that a call fails with an error of this type.
async function refused(promise, type, text) {
  try {
    await promise;
  } catch (error) {
    assert.equal(error.type, type, `${error.type}: ${error.message}`);
    if (text) assert.ok(error.message.includes(text), error.message);
    return error;
  }
  assert.fail(`went well, want ${type}`);
}

// all collects a reading.
async function all(reading) {
  const events = [];
  for await (const e of reading) events.push(e);
  return events;
}

// eventually asks until the answer is as wanted.
async function eventually(ask, is) {
  for (;;) {
    const answer = await ask();
    if (is(answer)) return answer;
    await new Promise((go) => setTimeout(go, 10));
  }
}

module.exports = { all, assert, check, eventually, refused };
