"use strict";
// Drives one client against a server: node drive.js '{"client": …}'.
// One line of JSON for each check, then {"done": true}.

const { createRequire } = require("node:module");

async function main() {
  const task = JSON.parse(process.argv[2]);
  const load = createRequire(`${task.modules}/package.json`);
  const lib = load(task.client);
  const [Client, scheme] = lib.KurrentDBClient ? [lib.KurrentDBClient, "kurrentdb"] : [lib.EventStoreDBClient, "esdb"];
  const connect = (rest, how = "") => Client.connectionString(`${scheme}${how}://${rest}`);

  if (task.parts.includes("streams")) await require("./streams")(lib, connect(`${task.address}?tls=false`));
  if (task.parts.includes("groups")) await require("./groups")(lib, connect(`${task.address}?tls=false`));
  if (task.parts.includes("secure")) await require("./secure")(lib, connect, task);
  process.stdout.write(JSON.stringify({ done: true }) + "\n");
  process.exit(0); // the clients keep their connections
}

main().catch((error) => {
  process.stderr.write(String(error?.stack ?? error) + "\n");
  process.exit(1);
});
