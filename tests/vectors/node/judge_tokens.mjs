// Judges tokens with jose, many in one process. Input: one JSON document {now, profiles: {name: {key, algorithms,
// options}}, tokens: [[profile, token]]}. Output: one JSON list, true where jose accepts the token.
import { importSPKI, jwtVerify } from 'jose'
import { readFileSync } from 'node:fs'

const { now, profiles, tokens } = JSON.parse(readFileSync(0, 'utf8'))
for (const profile of Object.values(profiles)) {
  profile.imported = await importSPKI(profile.key, profile.algorithms[0])
}
const verdicts = []
for (const [name, token] of tokens) {
  const { imported, algorithms, options } = profiles[name]
  try {
    await jwtVerify(token, imported, { algorithms, currentDate: new Date(now * 1000), clockTolerance: 30, ...options })
    verdicts.push(true)
  } catch {
    verdicts.push(false)
  }
}
console.log(JSON.stringify(verdicts))
