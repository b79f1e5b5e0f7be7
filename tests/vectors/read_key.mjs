// Reads a key document as a Node backend does: the member data goes to jsonwebtoken as it is.
// Usage: node read_key.mjs TOKEN AT_SECONDS < publicKey.json ; prints the claims as JSON, or fails.
import fs from "node:fs";
import { createRequire } from "node:module";

const jwt = createRequire(new URL("node/", import.meta.url))("jsonwebtoken");
const [token, at] = process.argv.slice(2);
const key = JSON.parse(fs.readFileSync(0, "utf8")).data;
const claims = jwt.verify(token, key, { algorithms: ["RS256"], clockTimestamp: Number(at) });
process.stdout.write(JSON.stringify(claims));
