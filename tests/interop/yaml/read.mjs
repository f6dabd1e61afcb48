// Reads texts as the npm package `yaml` does: a JSON array of texts on stdin, on stdout for each `{refused, value}`.
// Values carry their types, so that 1, 1.0, "1" and keys that are no strings can be told apart.
import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'

function typed (value) {
  if (value === null || value === undefined) return null
  if (typeof value === 'boolean') return value
  if (typeof value === 'bigint') return ['integer', value.toString()]
  if (typeof value === 'number') return ['float', String(value)]
  if (typeof value === 'string') return ['string', value]
  if (Array.isArray(value)) return ['sequence', value.map(typed)]
  if (value instanceof Map) return ['mapping', [...value].map(([key, item]) => [typed(key), typed(item)])]
  return ['other', String(value)]
}

function read (text) {
  try {
    const documents = parseAllDocuments(text, { version: '1.2', merge: true, intAsBigInt: true, logLevel: 'silent' })
    if (documents.length > 1 || documents.some(document => document.errors.length)) return { refused: true }
    return { refused: false, value: documents.length ? typed(documents[0].toJS({ mapAsMap: true, maxAliasCount: -1 })) : null }
  } catch (error) {
    return { refused: true }
  }
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).map(read)))
