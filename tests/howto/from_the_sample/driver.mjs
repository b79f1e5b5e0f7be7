// A server around verifier.js of docs/from-the-sample.md; prints its port.
import { createServer } from "node:http";
import { logIn, notified, Refused } from "./verifier.mjs";

async function login(request, response) {
  try {
    const player = await logIn((request.headers.authorization ?? "").replace("Bearer ", ""));
    response.end(JSON.stringify({ user: player.user_id, name: player.username }));
  } catch (error) {
    response.writeHead(error instanceof Refused ? 401 : 503).end(JSON.stringify({ code: error.message }));
  }
}

const server = createServer((request, response) =>
  request.url === "/login" ? login(request, response) : notified(request, response),
);
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
