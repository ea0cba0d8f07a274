// The same calls as tinysup's, signed by ccxt: node ccxt_calls.mjs NODE_DIRECTORY URL CALLS
// CALLS: JSON, a list of { exchange, path, api, method, params }. Prints a list of { url, status, body }: the request goes to the
// paper exchange instead of the host that ccxt has signed it for.
import { pathToFileURL } from 'node:url';

const [directory, url, calls] = process.argv.slice(2);
const { default: ccxt } = await import(pathToFileURL(directory + '/node_modules/ccxt/js/ccxt.js'));
const { KEY, SECRET, PASSPHRASE } = process.env;

async function send(call) {
  const exchange = new ccxt[call.exchange]({ apiKey: KEY, secret: SECRET, password: PASSPHRASE });
  const signed = exchange.sign(call.path, call.api, call.method, call.params);
  const target = url + signed.url.replace(/^https?:\/\/[^/]+/, '');
  const headers = { 'User-Agent': 'ccxt', ...signed.headers };
  const answer = await fetch(target, { method: signed.method, headers, body: signed.body });
  return { url: signed.url, status: answer.status, body: await answer.text() };
}

const answers = [];
for (const call of JSON.parse(calls)) answers.push(await send(call));
console.log(JSON.stringify(answers));
