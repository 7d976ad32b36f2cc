/** A language server that can only start and stop; it writes what it receives to a file. */

import { appendFileSync } from "node:fs";

const [, , file, command] = process.argv;
let unread = Buffer.alloc(0);
appendFileSync(file, `${command}\n`);
process.stdin.on("data", (data) => {
  unread = Buffer.concat([unread, data]);
  for (;;) {
    const end = unread.indexOf("\r\n\r\n");
    const length = Number(/Content-Length: (\d+)/i.exec(unread.subarray(0, end))?.[1]);
    if (end < 0 || unread.length < end + 4 + length) {
      return;
    }
    receive(JSON.parse(unread.subarray(end + 4, end + 4 + length)));
    unread = unread.subarray(end + 4 + length);
  }
});

function receive({ id, method }) {
  appendFileSync(file, `${method}\n`);
  if (method === "exit") {
    process.exit(0);
  }
  if (id !== undefined) {
    const result = method === "initialize" ? { capabilities: {} } : null;
    const text = JSON.stringify({ jsonrpc: "2.0", id, result });
    process.stdout.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  }
}
