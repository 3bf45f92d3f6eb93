import type { TString, TUnsafe } from 'typebox'
import { text, type Note } from './schema-value.ts'
import { Type } from './type.ts'

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const POINTER = '(?:/(?:[^~\\x00-\\x1f]|~[01])*)+'

/** `HOST:PORT` with a host or address of its own, `[::1]:8080` for IPv6. */
export function listen(about: Note): TString {
  return text(
    about,
    '^(?:\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+):\\d{1,5}$',
    'HOST:PORT such as 0.0.0.0:8080, 127.0.0.1:9090 or [::1]:8080',
  )
}

/** Scheme, host and port of a server. What a URL parser must say is checked later. */
export function origin(about: Note): TString {
  return text(about, '^[Hh][Tt][Tt][Pp][Ss]?://[!-~]+$', 'an origin such as http://10.0.0.1:8000')
}

/** An absolute http or https address with path and query. */
export function url(about: Note): TString {
  return text(about, '^https?://[!-~]+$', 'an address such as http://prometheus:9090')
}

/** A path of the data port: literal, or a prefix that ends in `/*`. */
export function pathPattern(about: Note): TString {
  return text(
    about,
    '^/(?:[!-~]*/)?\\*$|^/[!-~]*$',
    'a path that starts with /, literal or ending in /*, such as /v2/models/m/*',
  )
}

/** Where a file lies; a relative path starts at the folder of the configuration. */
export function filePath(about: Note): TString {
  return text(about, '^[^\\x00-\\x1f]+$', 'the path of a file')
}

/** A host name as certificates have it. */
export function dnsName(about: Note): TString {
  const label = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?'
  return text(
    about,
    `^(?=.{1,253}$)${label}(?:\\.${label})*$`,
    'a DNS name such as models.example.com',
  )
}

/** A literal path. */
export function literalPath(about: Note): TString {
  return text(about, '^/[!-"$-)+->@-~]*$', 'a path that starts with /, without * ? and #')
}

/** Where the value of a request's field is read. */
export function fieldSource(about: Note): TString {
  return text(about, FIELD_PATTERN, FIELD_TITLE)
}

/** A header by its name. */
export function headerSource(about: Note): TString {
  return text(about, `^header:${TOKEN}$`, 'header:NAME')
}

/** A JSON pointer into a body. */
export function bodySource(about: Note): TString {
  return text(about, `^body:${POINTER}$`, 'body:/json/pointer such as body:/outputs/0/data/0')
}

/** What drift is watched of: the prediction, or a number in the request's body. */
export function driftSource(about: Note): TString {
  return text(
    about,
    `^(?:prediction|request:${POINTER})$`,
    'prediction, or request:/json/pointer such as request:/inputs/0/data/0',
  )
}

/** The bare name of a header. */
export function headerName(about: Note): TString {
  return text(about, `^${TOKEN}$`, 'the name of a header')
}

/** Header fields by their names, whose values are shown nowhere. */
export function secretHeaders(about: Note): TUnsafe<Record<string, string>> {
  const title = 'the value of a header, best as "${ENV}"'
  return Type.Unsafe({
    title: 'a map of headers',
    type: 'object',
    additionalProperties: {
      type: 'string',
      pattern: '^[!-~](?:[\\t -~]*[!-~])?$',
      writeOnly: true,
      title,
    },
    propertyNames: { type: 'string', pattern: `^${TOKEN}$`, title: 'the name of a header' },
    ...about,
  })
}

/** The form of a field source, for keys of a map too. */
export const FIELD_PATTERN = `^(?:(?:header|cookie):${TOKEN}|query:[^\\x00-\\x20&=#]+|body:${POINTER}|ip)$`

/** What a field source is, in the words of an error message. */
export const FIELD_TITLE = 'one of header:NAME, cookie:NAME, query:NAME, body:/json/pointer, ip'
