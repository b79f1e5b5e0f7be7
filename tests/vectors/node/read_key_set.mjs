// Checks tokens against a key set with jose, as a Node backend would: one remote set for the whole process.
// Arguments: the set's URL. Input: one token a line. Output: one line of JSON for each.
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { createInterface } from 'node:readline'

const keys = createRemoteJWKSet(new URL(process.argv[2]), { cooldownDuration: 0 })

for await (const token of createInterface({ input: process.stdin })) {
  let said
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, { algorithms: ['RS256', 'ES256'] })
    said = { claims: payload, kid: protectedHeader.kid ?? null }
  } catch (error) {
    said = { error: error.code ?? String(error) }
  }
  console.log(JSON.stringify(said))
}
