// A bot that trades on the paper exchange as one on ccxt does at OKX: node ccxt_bot.mjs NODE_DIRECTORY URL SYMBOL...
// Buys each symbol at the market, then keeps two limit orders ($ORDERS) open for each and says "trading" once it does. What others cancel it
// places anew, until SIGTERM ends it: as real bots do, it leaves orders and positions behind.
import { pathToFileURL } from 'node:url';

const [directory, url, ...symbols] = process.argv.slice(2);
const { default: ccxt } = await import(pathToFileURL(directory + '/node_modules/ccxt/js/ccxt.js'));
const { KEY, SECRET, PASSPHRASE } = process.env;
const ORDERS = Number(process.env.ORDERS ?? 2);
const PAUSE = 100; // ms

const exchange = new ccxt.okx({ apiKey: KEY, secret: SECRET, password: PASSPHRASE, enableRateLimit: false });
exchange.urls.api = { rest: url };

function market(symbol) {
  const [base, quote] = symbol.split(/[/:]/);
  return exchange.safeMarketStructure({
    id: `${base}-${quote}-SWAP`, symbol, base, quote, settle: quote, baseId: base, quoteId: quote, settleId: quote, type: 'swap',
    swap: true, contract: true, linear: true, inverse: false, contractSize: 1, active: true,
    precision: { amount: 1, price: 0.1 }, limits: {},
  });
}

async function trade(symbol) {
  const open = await exchange.fetchOpenOrders(symbol);
  for (let missing = ORDERS - open.length; missing > 0; missing--) await exchange.createOrder(symbol, 'limit', 'buy', 1, 100);
}

exchange.setMarkets(symbols.map(market));
process.on('SIGTERM', () => process.exit(0));
for (const symbol of symbols) await exchange.createOrder(symbol, 'market', 'buy', 1);
for (let first = true; ; first = false) {
  for (const symbol of symbols) await trade(symbol);
  if (first) console.log('trading');
  await new Promise((resolve) => setTimeout(resolve, PAUSE));
}
