// Connects Microsoft's own SignalR client to both hubs, subscribes, and prints one JSON line per
// event received. Ends with code 0 once it has seen what it waits for, with 1 after 20 seconds.
import * as signalR from "@microsoft/signalr";

const { USER_HUB, MARKET_HUB, TOKEN, ACCOUNT, CONTRACT, SKIP_NEGOTIATION } = process.env;
const wanted = new Set([
  "GatewayQuote",
  "GatewayTrade",
  "GatewayUserOrder",
  "GatewayUserPosition",
  "GatewayUserTrade",
  "GatewayUserAccount",
]);

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

function hub(url) {
  const options =
    SKIP_NEGOTIATION === "1"
      ? { skipNegotiation: true, transport: signalR.HttpTransportType.WebSockets }
      : {};
  const connection = new signalR.HubConnectionBuilder()
    .withUrl(url, { ...options, accessTokenFactory: () => TOKEN })
    .configureLogging(signalR.LogLevel.Error)
    .build();
  for (const target of wanted) {
    connection.on(target, (...args) => seen(target, args));
  }
  return connection;
}

const market = hub(MARKET_HUB);
const user = hub(USER_HUB);

async function seen(target, args) {
  if (!wanted.delete(target)) return;
  say({ event: target, arguments: args });
  if (wanted.size === 0) {
    await market.stop();
    await user.stop();
    process.exit(0);
  }
}

setTimeout(() => {
  say({ missing: [...wanted] });
  process.exit(1);
}, 20_000);

await market.start();
await user.start();
await market.invoke("SubscribeContractQuotes", CONTRACT);
await market.invoke("SubscribeContractTrades", CONTRACT);
await user.invoke("SubscribeAccounts");
for (const name of ["Orders", "Positions", "Trades"]) {
  await user.invoke(`Subscribe${name}`, Number(ACCOUNT));
}
let refusal = null;
try {
  await user.invoke("SubscribeOrders", 999);
} catch (error) {
  refusal = String(error.message);
}
say({ ready: true, refusal });
