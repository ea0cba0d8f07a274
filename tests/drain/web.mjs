// The same for Node, with the three lines that a server needs for an orderly stop: web.mjs PORT
import { createServer } from "node:http";

const body = "done\n".repeat(200);
const server = createServer((request, response) => {
  setTimeout(() => response.writeHead(200, { "content-type": "text/plain", "content-length": body.length }).end(body), 50);
});
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
server.listen(Number(process.argv[2]), "127.0.0.1");
