"use strict";
// Appends, reads, subscriptions, deletion and metadata.

const { randomUUID } = require("node:crypto");
const { all, assert, check, refused } = require("./harness");

module.exports = async function streams(lib, client) {
  const { jsonEvent, binaryEvent, ANY, NO_STREAM, STREAM_EXISTS, START, END, FORWARDS, BACKWARDS } = lib;

  // One client calls it expectedRevision, the other streamState.
  const expect = (v) => ({ expectedRevision: v, streamState: v });
  const sale = (n) => jsonEvent({ id: randomUUID(), type: "sale", data: { sale: n }, metadata: { till: 4 } });
  const sales = (from, to) => Array.from({ length: to - from }, (_, i) => sale(from + i));
  const till = () => `till-${randomUUID()}`;
  const numbers = (events) => events.map((e) => e.event.data.sale);

  await check("append as each revision is expected", async () => {
    const s = till();
    const first = await client.appendToStream(s, sale(0), expect(NO_STREAM));
    assert.equal(first.success, true);
    assert.equal(first.nextExpectedRevision, 0n);
    assert.ok(first.position.commit > 0n);
    const exact = await client.appendToStream(s, sales(1, 3), expect(0n));
    assert.equal(exact.nextExpectedRevision, 2n);
    assert.ok(exact.position.commit > first.position.commit);
    assert.equal((await client.appendToStream(s, sale(3), expect(ANY))).nextExpectedRevision, 3n);
    assert.equal((await client.appendToStream(s, sale(4), expect(STREAM_EXISTS))).nextExpectedRevision, 4n);
    assert.deepEqual(numbers(await all(client.readStream(s))), [0, 1, 2, 3, 4]);
  });

  await check("append as another revision is expected", async () => {
    const s = till();
    const wrong = "wrong-expected-version";
    await refused(client.appendToStream(s, sale(0), expect(STREAM_EXISTS)), wrong);
    await refused(client.appendToStream(s, sale(0), expect(7n)), wrong);
    await client.appendToStream(s, sales(0, 3), expect(NO_STREAM));
    await refused(client.appendToStream(s, sale(3), expect(NO_STREAM)), wrong);
    await refused(client.appendToStream(s, sale(3), expect(1n)), wrong);
    await refused(client.appendToStream(s, sale(3), expect(3n)), wrong);
    assert.equal((await all(client.readStream(s))).length, 3);
  });

  await check("append again what is there already", async () => {
    const s = till();
    const batch = sales(0, 3);
    const first = await client.appendToStream(s, batch, expect(NO_STREAM));
    await client.appendToStream(s, sale(3), expect(2n));
    for (const again of [NO_STREAM, ANY]) {
      const r = await client.appendToStream(s, batch, expect(again));
      assert.equal(r.nextExpectedRevision, first.nextExpectedRevision);
      assert.deepEqual(r.position, first.position);
    }
    assert.equal((await all(client.readStream(s))).length, 4);
  });

  await check("append more than one append may hold", async () => {
    const s = till();
    const heavy = () => binaryEvent({ type: "photo", data: Buffer.alloc(400_000, 1) });
    await client.appendToStream(s, [heavy(), heavy()], expect(NO_STREAM));
    await refused(client.appendToStream(s, [heavy(), heavy(), heavy()]), "maximum-append-size-exceeded");
  });

  await check("append from many at once", async () => {
    const s = till();
    await Promise.all(Array.from({ length: 100 }, (_, n) => client.appendToStream(s, sale(n))));
    const got = numbers(await all(client.readStream(s)));
    assert.deepEqual(got.sort((a, b) => a - b), Array.from({ length: 100 }, (_, n) => n));
  });

  await check("read a stream both ways", async () => {
    const s = till();
    const photo = Buffer.from([0, 255, 1]);
    await client.appendToStream(s, [...sales(0, 5), binaryEvent({ type: "photo", data: photo, metadata: photo })]);
    assert.deepEqual(numbers(await all(client.readStream(s, { fromRevision: 1n, maxCount: 2 }))), [1, 2]);
    assert.deepEqual(numbers(await all(client.readStream(s, { direction: BACKWARDS, fromRevision: 2n }))), [2, 1, 0]);
    const [last] = await all(client.readStream(s, { direction: BACKWARDS, fromRevision: END, maxCount: 1 }));
    assert.deepEqual(Buffer.from(last.event.data), photo);
    assert.deepEqual(Buffer.from(last.event.metadata), photo);
    assert.equal(last.event.isJson, false);
    assert.equal(last.event.revision, 5n);
    const [first] = await all(client.readStream(s, { direction: FORWARDS, fromRevision: START, maxCount: 1 }));
    assert.equal(first.event.type, "sale");
    assert.equal(first.event.streamId, s);
    assert.deepEqual(first.event.metadata, { till: 4 });
    assert.ok(Math.abs(Date.now() - new Date(first.event.created)) < 60_000, String(first.event.created));
  });

  await check("read a stream that is not there", async () => {
    await refused(all(client.readStream(till())), "stream-not-found");
  });

  await check("read $all both ways", async () => {
    const s = till();
    const { position } = await client.appendToStream(s, sales(0, 3));
    const back = await all(client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 3 }));
    assert.deepEqual(back.map((e) => e.event.data.sale), [2, 1, 0]);
    const on = await all(client.readAll({ fromPosition: back[2].event.position, maxCount: 2 }));
    assert.deepEqual(on.map((e) => e.event.data.sale), [0, 1]);
    assert.deepEqual(back[0].event.position, position);
  });

  await check("subscribe to $all with a filter and checkpoints", async () => {
    const prefix = `counted-${randomUUID()}`;
    const checkpoints = [];
    const filter = lib.streamNameFilter({
      prefixes: [prefix], maxSearchWindow: 5, checkpointInterval: 1,
      checkpointReached: (_, position) => { checkpoints.push(position.commit); },
    });
    for (let n = 0; n < 10; n++) await client.appendToStream(n % 2 ? `${prefix}-a` : till(), sale(n));
    const subscription = client.subscribeToAll({ fromPosition: START, filter });
    const got = [];
    for await (const e of subscription) {
      got.push(e.event.data.sale);
      if (got.length === 5) { // live from here on
        for (let n = 10; n < 20; n++) await client.appendToStream(n % 2 ? `${prefix}-b` : till(), sale(n));
      }
      if (got.length === 10) break;
    }
    await subscription.unsubscribe();
    assert.deepEqual(got, [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    assert.ok(checkpoints.length >= 4, `${checkpoints.length} checkpoints`);
    assert.deepEqual(checkpoints, [...checkpoints].sort((a, b) => (a < b ? -1 : 1)));
  });

  await check("subscribe while a till sells", async () => {
    const s = till();
    const total = 1500;
    const selling = (async () => {
      for (let n = 0; n < total; n += 5) await client.appendToStream(s, sales(n, n + 5));
    })();
    // From the start, in the middle of it: catching up meets what is live.
    const readers = [0, 1, 2].map(async () => {
      const subscription = client.subscribeToStream(s, { fromRevision: START });
      let next = 0;
      for await (const e of subscription) {
        assert.equal(e.event.data.sale, next);
        if (++next === total) break;
      }
      await subscription.unsubscribe();
    });
    await Promise.all([selling, ...readers]);
  });

  await check("subscribe from a revision, live only from the end", async () => {
    const s = till();
    await client.appendToStream(s, sales(0, 3));
    const after = client.subscribeToStream(s, { fromRevision: 1n });
    for await (const e of after) {
      assert.equal(e.event.data.sale, 2);
      break;
    }
    await after.unsubscribe();
    const end = client.subscribeToStream(s, { fromRevision: END });
    await new Promise((confirmed) => end.once("confirmation", confirmed));
    await client.appendToStream(s, sale(3));
    for await (const e of end) {
      assert.equal(e.event.data.sale, 3);
      break;
    }
    await end.unsubscribe();
  });

  await check("delete a stream and begin it again", async () => {
    const s = till();
    await client.appendToStream(s, sales(0, 3));
    await refused(client.deleteStream(s, { expectedRevision: 7n }), "wrong-expected-version");
    const { position } = await client.deleteStream(s, { expectedRevision: 2n });
    assert.ok(position.commit > 0n);
    await refused(all(client.readStream(s)), "stream-not-found");
    const r = await client.appendToStream(s, sale(3), expect(NO_STREAM));
    assert.equal(r.nextExpectedRevision, 3n);
    assert.deepEqual(numbers(await all(client.readStream(s))), [3]);
  });

  await check("end a stream for ever", async () => {
    const s = till();
    await client.appendToStream(s, sales(0, 3));
    await client.tombstoneStream(s, { expectedRevision: ANY });
    await refused(all(client.readStream(s)), "stream-deleted");
    await refused(client.appendToStream(s, sale(3)), "stream-deleted");
  });

  await check("set and get metadata", async () => {
    const s = till();
    assert.equal((await client.getStreamMetadata(s)).metadata, undefined);
    await client.appendToStream(s, sales(0, 5));
    await client.setStreamMetadata(s, { maxCount: 2, colour: "red" }, expect(NO_STREAM));
    const got = await client.getStreamMetadata(s);
    // Both clients call the position of the event its revision.
    assert.ok(got.metastreamRevision > 0n);
    assert.equal(got.metadata.maxCount, 2);
    assert.equal(got.metadata.colour, "red");
    assert.deepEqual(numbers(await all(client.readStream(s))), [3, 4]);
    await client.setStreamMetadata(s, { truncateBefore: 1 }, expect(0n));
    assert.deepEqual(numbers(await all(client.readStream(s))), [1, 2, 3, 4]);
  });

  await check("keep off what money depends on", async () => {
    const visit = `visit-${randomUUID()}`;
    // Of a batch append the clients know only some refusals by type; the text comes through.
    await refused(client.appendToStream(visit, sale(0)), "unknown", "is Vouch's own");
    await refused(client.deleteStream(visit), "access-denied");
    await refused(client.setStreamMetadata(visit, { maxCount: 1 }), "access-denied");
  });
};
