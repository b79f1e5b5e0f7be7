// Makes the vectors with Node: signatures with node:crypto, good tokens with jsonwebtoken, hostile ones by hand.
// Usage: node make_vectors.mjs signatures|tokens < inputs.tsv > vectors.json
// It knows nothing of Coinslot's own code, which is the point of it.
import crypto from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";

const here = new URL(".", import.meta.url);
const read = (name) => fs.readFileSync(new URL(name, here), "utf8");
const rows = fs
  .readFileSync(0, "utf8")
  .split("\n")
  .filter((line) => line && !line.startsWith("#"))
  .map((line) => line.split("\t"));
const hex = (text) => (text === "-" ? Buffer.alloc(0) : Buffer.from(text, "hex"));
const base64url = (value) => Buffer.from(value).toString("base64url");

function signatures() {
  return rows.map(([name, body, key]) => ({
    name,
    body_hex: hex(body).toString("hex"),
    shared_key_hex: hex(key).toString("hex"),
    signature: crypto
      .createHash("sha1")
      .update(Buffer.concat([hex(body), hex(key)]))
      .digest("hex"),
  }));
}

function tokens() {
  const jwt = createRequire(new URL("node/", here))("jsonwebtoken");
  const signing = crypto.createPrivateKey(read("signing-key.pem"));
  const other = crypto.createPrivateKey(read("other-key.pem"));
  const der = crypto.createPublicKey(signing).export({ type: "spki", format: "der" });
  const pem = `-----BEGIN PUBLIC KEY-----\n${der.toString("base64")}\n-----END PUBLIC KEY-----`;
  const sign = {
    signing: (text) => crypto.sign("sha256", text, signing),
    "signing-sha512": (text) => crypto.sign("sha512", text, signing),
    other: (text) => crypto.sign("sha256", text, other),
    "hs256-pem": (text) => crypto.createHmac("sha256", pem).update(text).digest(),
    "hs256-der": (text) => crypto.createHmac("sha256", der).update(text).digest(),
    empty: () => "",
  };
  return rows.map(([name, header, payload, signer, verdict]) => {
    const signed = `${base64url(header)}.${base64url(payload)}`;
    const byLibrary = name === "good" || name.startsWith("good-");
    let token;
    if (byLibrary) {
      token = jwt.sign(JSON.parse(payload), signing, {
        algorithm: "RS256",
        header: { typ: undefined, ...JSON.parse(header) },
      });
    } else if (signer === "dropped") {
      token = signed;
    } else {
      token = `${signed}.${base64url(sign[signer](Buffer.from(signed)))}`;
    }
    return { name, token, verdict, made_by: byLibrary ? "jsonwebtoken" : "node:crypto" };
  });
}

const kind = process.argv[2];
const tool =
  kind === "tokens"
    ? `node ${process.version}, jsonwebtoken ${JSON.parse(read("node/node_modules/jsonwebtoken/package.json")).version}`
    : `node ${process.version}`;
const vectors = kind === "tokens" ? tokens() : signatures();
process.stdout.write(`${JSON.stringify({ tool, vectors }, null, 1)}\n`);
