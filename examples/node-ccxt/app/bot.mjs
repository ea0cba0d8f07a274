// Stands in for your bot: buys each of $SYMBOLS once, then keeps two limit orders open for each. It leaves them behind when it is stopped.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import ccxt from 'ccxt';

const { SYMBOLS, OKX_URL } = process.env;
const symbols = SYMBOLS.split(' ');
const secret = (name) => readFileSync(`/run/secrets/${name}`, 'utf8').trim();

const exchange = new ccxt.okx({ apiKey: secret('okx_key'), secret: secret('okx_secret'), password: secret('okx_passphrase') });
if (OKX_URL) { // a paper exchange, which has no list of markets
  exchange.urls.api = { rest: OKX_URL };
  exchange.setMarkets(symbols.map(market));
}

function market(symbol) {
  const [base, quote] = symbol.split(/[/:]/);
  return exchange.safeMarketStructure({
    id: `${base}-${quote}-SWAP`, symbol, base, quote, settle: quote, baseId: base, quoteId: quote, settleId: quote, type: 'swap',
    swap: true, contract: true, linear: true, inverse: false, contractSize: 1, active: true,
    precision: { amount: 1, price: 0.1 }, limits: {},
  });
}

let lastLoop = 0;
createServer((request, response) => response.end(JSON.stringify({ last_loop: lastLoop }))).listen(3000, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));

await exchange.loadMarkets();
for (const symbol of symbols) await exchange.createOrder(symbol, 'market', 'buy', 1);
for (;;) {
  for (const symbol of symbols) {
    const open = await exchange.fetchOpenOrders(symbol);
    for (let missing = 2 - open.length; missing > 0; missing--) await exchange.createOrder(symbol, 'limit', 'buy', 1, 100);
  }
  lastLoop = Date.now() / 1000;
  await new Promise((resolve) => setTimeout(resolve, 1000));
}
