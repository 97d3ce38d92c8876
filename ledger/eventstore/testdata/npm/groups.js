"use strict";
// Persistent subscriptions.

const { randomUUID } = require("node:crypto");
const { assert, check, eventually, refused } = require("./harness");

module.exports = async function groups(lib, client) {
  const { jsonEvent, START, END, PARK, RETRY, SKIP, UNBOUNDED, DISPATCH_TO_SINGLE, PINNED } = lib;

  const sale = (n) => jsonEvent({ type: "sale", data: { sale: n } });
  const sell = (s, from, to) =>
    client.appendToStream(s, Array.from({ length: to - from }, (_, i) => sale(from + i)));
  const till = () => `till-${randomUUID()}`;
  const settings = (changes = {}) =>
    lib.persistentSubscriptionToStreamSettingsFromDefaults({
      startFrom: START, checkPointLowerBound: 1, checkPointUpperBound: 1, checkPointAfter: 0, ...changes,
    });
  const everywhere = (changes = {}) =>
    lib.persistentSubscriptionToAllSettingsFromDefaults({
      startFrom: START, checkPointLowerBound: 1, checkPointUpperBound: 1, checkPointAfter: 0, ...changes,
    });
  const info = (s) => client.getPersistentSubscriptionToStreamInfo(s, "kitchen");
  const missing = "persistent-subscription-does-not-exist";

  await check("make, change, list and delete a group", async () => {
    const s = till();
    const none = `Subscription group kitchen on stream ${s} does not exist.`;
    await refused(info(s), missing, none);
    await refused(client.listPersistentSubscriptionsToStream(s), missing, `Subscription group  on stream ${s} does not exist.`);
    await refused(client.updatePersistentSubscriptionToStream(s, "kitchen", settings()), missing, none);
    await refused(client.deletePersistentSubscriptionToStream(s, "kitchen"), missing, none);
    await client.createPersistentSubscriptionToStream(s, "kitchen", settings({ startFrom: 3n }));
    await refused(client.createPersistentSubscriptionToStream(s, "kitchen", settings()),
      "persistent-subscription-exists", `Subscription group kitchen on stream ${s} exists.`);
    const made = await info(s);
    assert.equal(made.eventSource, s);
    assert.equal(made.groupName, "kitchen");
    assert.equal(made.settings.startFrom, 3n);
    assert.equal(made.settings.maxSubscriberCount, UNBOUNDED);
    assert.equal(made.stats.lastCheckpointedEventRevision, undefined);
    await client.updatePersistentSubscriptionToStream(s, "kitchen",
      settings({ startFrom: END, maxRetryCount: 3, consumerStrategyName: DISPATCH_TO_SINGLE, messageTimeout: 0 }));
    const changed = await info(s);
    assert.equal(changed.settings.startFrom, END);
    assert.equal(changed.settings.maxRetryCount, 3);
    assert.equal(changed.settings.messageTimeout, 0);
    assert.equal(changed.settings.consumerStrategyName, DISPATCH_TO_SINGLE);
    const listed = await client.listPersistentSubscriptionsToStream(s);
    assert.deepEqual(listed.map((i) => i.groupName), ["kitchen"]);
    assert.ok((await client.listAllPersistentSubscriptions()).some((i) => i.eventSource === s));
    await client.deletePersistentSubscriptionToStream(s, "kitchen");
    await refused(info(s), missing, none);
  });

  await check("retry, park, skip and replay", async () => {
    const s = till();
    await client.createPersistentSubscriptionToStream(s, "kitchen", settings({ maxRetryCount: 2, extraStatistics: true }));
    await sell(s, 0, 4);
    const subscription = client.subscribeToPersistentSubscriptionToStream(s, "kitchen", { bufferSize: 10 });
    const seen = [];
    let replayed = false;
    for await (const e of subscription) {
      const n = e.event.data.sale;
      seen.push(e.link ? `${n} again` : `${n} (${e.retryCount})`);
      if (e.link) {
        assert.equal(e.link.streamId, `$persistentsubscription-${s}::kitchen-parked`);
        await subscription.ack(e);
        if (n === 1) break;
        continue;
      }
      if (n === 0) await subscription.nack(PARK, "no pan", e);
      if (n === 1) await subscription.nack(RETRY, "no gas", e); // until it is parked
      if (n === 2) await subscription.nack(SKIP, "no wish", e);
      if (n === 3) await subscription.ack(e);
      if (!replayed && seen.length === 6) {
        replayed = true;
        const done = await eventually(() => info(s), (i) => i.stats.parkedMessageCount === 2n);
        assert.equal(done.connections.length, 1);
        assert.equal(done.connections[0].username, "admin");
        assert.ok(done.connections[0].extraStatistics.has("highest"));
        await client.replayParkedMessagesToStream(s, "kitchen");
      }
    }
    assert.deepEqual(seen.filter((x) => x.startsWith("1")), ["1 (0)", "1 (1)", "1 (2)", "1 again"]);
    assert.ok(seen.includes("0 again"));
    const end = await eventually(() => info(s), (i) => i.stats.lastCheckpointedEventRevision === 3n);
    assert.equal(end.stats.lastKnownEventRevision, 3n);
    assert.equal(end.stats.parkedMessageCount, 0n);
    await subscription.unsubscribe();
  });

  await check("replay up to a stop", async () => {
    const s = till();
    await client.createPersistentSubscriptionToStream(s, "kitchen", settings());
    await sell(s, 0, 2);
    const subscription = client.subscribeToPersistentSubscriptionToStream(s, "kitchen");
    for await (const e of subscription) {
      if (e.link) {
        assert.equal(e.event.data.sale, 0);
        await subscription.ack(e);
        break;
      }
      await subscription.nack(PARK, "later", e);
      if (e.event.data.sale === 1) {
        await eventually(() => info(s), (i) => i.stats.parkedMessageCount === 2n);
        await client.replayParkedMessagesToStream(s, "kitchen", { stopAt: 1 });
      }
    }
    await eventually(() => info(s), (i) => i.stats.parkedMessageCount === 1n);
    await subscription.unsubscribe();
  });

  await check("share a stream between consumers that come and go", async () => {
    const s = till();
    const total = 300;
    await client.createPersistentSubscriptionToStream(s, "kitchen",
      settings({ consumerStrategyName: PINNED, maxRetryCount: 1000, checkPointUpperBound: 100 }));
    const cooked = new Set();
    const kitchen = async (patience) => {
      while (cooked.size < total) {
        const subscription = client.subscribeToPersistentSubscriptionToStream(s, "kitchen", { bufferSize: 5 });
        let n = 0;
        for await (const e of subscription) {
          cooked.add(e.event.data.sale);
          await subscription.ack(e);
          if (cooked.size === total || ++n === patience) break;
        }
        await subscription.unsubscribe();
      }
    };
    const selling = (async () => {
      for (let n = 0; n < total; n += 10) await sell(s, n, n + 10);
    })();
    await Promise.race([Promise.all([selling, kitchen(1000)]), Promise.all([kitchen(20), kitchen(33)])]);
    await selling;
    assert.equal(cooked.size, total);
  });

  await check("be dropped when the group changes or goes", async () => {
    const s = till();
    await client.createPersistentSubscriptionToStream(s, "kitchen", settings({ maxSubscriberCount: 1 }));
    const listen = async () => {
      const subscription = client.subscribeToPersistentSubscriptionToStream(s, "kitchen");
      const dropped = new Promise((resolve) => subscription.once("error", resolve));
      await Promise.race([dropped, new Promise((resolve) => subscription.once("confirmation", resolve))]);
      return dropped;
    };
    const first = { dropped: listen() };
    await eventually(() => info(s), (i) => i.connections.length === 1);
    const second = await listen();
    assert.equal(second.type, "maximum-subscribers-reached");
    await client.updatePersistentSubscriptionToStream(s, "kitchen", settings());
    assert.equal((await first.dropped).type, "persistent-subscription-dropped");
    const third = { dropped: listen() };
    await eventually(() => info(s), (i) => i.connections.length === 1);
    await client.deletePersistentSubscriptionToStream(s, "kitchen");
    assert.equal((await third.dropped).type, missing);
  });

  await check("a group on $all with a filter", async () => {
    const group = `kitchen-${randomUUID()}`;
    const prefix = `counted-${randomUUID()}`;
    await sell(`${prefix}-a`, 0, 2);
    await client.createPersistentSubscriptionToAll(group, everywhere(), { filter: lib.streamNameFilter({ prefixes: [prefix] }) });
    const subscription = client.subscribeToPersistentSubscriptionToAll(group);
    const got = [];
    for await (const e of subscription) {
      got.push(e.event.data.sale);
      await subscription.ack(e);
      if (got.length === 2) {
        await sell(till(), 100, 103);
        await sell(`${prefix}-b`, 2, 4);
      }
      if (got.length === 4) break;
    }
    assert.deepEqual(got, [0, 1, 2, 3]);
    const i = await eventually(() => client.getPersistentSubscriptionToAllInfo(group), (x) => x.stats.lastCheckpointedEventPosition);
    assert.ok(i.stats.lastCheckpointedEventPosition.commit > 0n);
    assert.equal(i.settings.startFrom, START);
    assert.ok((await client.listPersistentSubscriptionsToAll()).some((x) => x.groupName === group));
    await subscription.unsubscribe();
    await client.deletePersistentSubscriptionToAll(group);
  });

  await check("restart the subsystem", async () => {
    const s = till();
    await client.createPersistentSubscriptionToStream(s, "kitchen", settings());
    await sell(s, 0, 1);
    await client.restartPersistentSubscriptionSubsystem();
    const subscription = client.subscribeToPersistentSubscriptionToStream(s, "kitchen");
    for await (const e of subscription) {
      assert.equal(e.event.data.sale, 0);
      await subscription.ack(e);
      break;
    }
    await subscription.unsubscribe();
  });
};
