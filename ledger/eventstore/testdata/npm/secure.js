"use strict";
// TLS, credentials, discovery, and a connection on which nothing goes on.

const { all, assert, check, refused } = require("./harness");

module.exports = async function secure(lib, connect, { secureAddress, caFile, idleSeconds, address }) {
  const { jsonEvent } = lib;
  const sale = (n) => jsonEvent({ type: "sale", data: { sale: n } });
  const tls = `tls=true&tlsCAFile=${encodeURIComponent(caFile)}`;
  const as = (user, more = "") => connect(`${user}${secureAddress}?${tls}${more}`);

  // Meanwhile, on a connection of its own: pings, and then one more event.
  const staying = async () => {
    // For seconds the pings are made more frequent; for minutes they are the client's own.
    const interval = idleSeconds > 60 ? "" : "&keepAliveInterval=2000";
    const client = connect(`${address}?tls=false${interval}`);
    await client.appendToStream("idle", sale(0));
    const subscription = client.subscribeToStream("idle");
    const got = [];
    const reading = (async () => {
      for await (const e of subscription) {
        got.push(e.event.data.sale);
        if (got.length === 2) break;
      }
    })();
    await new Promise((go) => setTimeout(go, idleSeconds * 1000));
    await client.appendToStream("idle", sale(1));
    await reading;
    await subscription.unsubscribe();
    assert.deepEqual(got, [0, 1]);
    assert.equal((await all(client.readStream("idle"))).length, 2);
    await client.dispose?.();
  };
  const idle = idleSeconds > 0 ? Promise.allSettled([staying()]) : undefined;

  await check("sign in over TLS", async () => {
    const client = as("admin:changeit@");
    await client.appendToStream("till-tls", [sale(0), sale(1)]);
    assert.equal((await all(client.readStream("till-tls"))).length >= 2, true);
    await client.createPersistentSubscriptionToStream("till-tls", `kitchen-${process.pid}`,
      lib.persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: lib.START }));
    const subscription = client.subscribeToPersistentSubscriptionToStream("till-tls", `kitchen-${process.pid}`);
    for await (const e of subscription) {
      await subscription.ack(e);
      break;
    }
    await subscription.unsubscribe();
    await client.dispose?.();
  });

  await check("sign in for one call, by the classic append", async () => {
    const client = as("");
    const credentials = { username: "till", password: "changeit" };
    await refused(client.appendToStream("till-tls", sale(2)), "access-denied");
    const r = await client.appendToStream("till-tls", sale(2), { credentials });
    assert.equal(r.success, true);
    assert.ok((await all(client.readStream("till-tls", { credentials }))).length >= 1);
    await refused(client.restartPersistentSubscriptionSubsystem({ credentials }), "access-denied");
    await client.dispose?.();
  });

  await check("sign in with a wrong password", async () => {
    const client = as("admin:wrong@");
    await assert.rejects(client.appendToStream("till-tls", sale(3)), /[Uu]nauthenticated/);
    await assert.rejects(all(client.readStream("till-tls")));
    await client.dispose?.();
  });

  await check("come by discovery", async () => {
    const client = connect(`admin:changeit@${secureAddress}?${tls}`, "+discover");
    assert.ok((await all(client.readStream("till-tls", { maxCount: 1 }))).length === 1);
    await client.dispose?.();
  });

  if (idle) {
    const [result] = await idle;
    await check(`stay connected for ${idleSeconds} s without a word`, async () => {
      if (result.status === "rejected") throw result.reason;
    });
  }
};
