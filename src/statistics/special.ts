/** Where Stirling's series below is exact to a double. */
const STIRLING_FROM = 10

/** B₂ₖ / (2k(2k − 1)): the coefficients of Stirling's series (DLMF 5.11.1). */
const STIRLING = [
  1 / 12,
  -1 / 360,
  1 / 1260,
  -1 / 1680,
  1 / 1188,
  -691 / 360_360,
  1 / 156,
  -3617 / 122_400,
] as const

/**
 * ln Γ(x) for x > 0, to an absolute error of about 1e-15 × max(1, |ln Γ(x)|): the recurrence up to
 * 10, then Stirling's series.
 */
export function logGamma(x: number): number {
  let shifted = x
  let product = 1
  while (shifted < STIRLING_FROM) product *= shifted++
  const square = shifted ** 2
  let series = 0
  for (let k = STIRLING.length - 1; k >= 0; k -= 1) series = series / square + STIRLING[k]!
  return (
    (shifted - 0.5) * Math.log(shifted) -
    shifted +
    0.5 * Math.log(2 * Math.PI) +
    series / shifted -
    Math.log(product)
  )
}

/**
 * Φ(z), the standard normal distribution function, to a relative error of about 1e-13 in both tails:
 * the series of DLMF 7.6.2 in the middle, the continued fraction of DLMF 7.9.1 (Laplace) outside.
 */
export function normalCdf(z: number): number {
  const distance = Math.abs(z)
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)
  if (distance < 3) return 0.5 + density * middleSeries(z)
  const tail = density / laplaceFraction(distance)
  return z < 0 ? tail : 1 - tail
}

/**
 * Φ⁻¹(p) for p in (0, 1), to a relative error of about 1e-16: algorithm AS 241 (PPND16), Wichura,
 * Applied Statistics 37 (1988) 477–484. −Infinity at 0 and Infinity at 1.
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5
  if (Math.abs(q) <= 0.425) return q * rational(0.180625 - q * q, CENTRE)
  const tail = Math.min(p, 1 - p)
  if (tail === 0) return q < 0 ? -Infinity : Infinity
  const r = Math.sqrt(-Math.log(tail))
  const z = r <= 5 ? rational(r - 1.6, NEAR_TAIL) : rational(r - 5, FAR_TAIL)
  return q < 0 ? -z : z
}

type Rational = { readonly over: readonly number[]; readonly under: readonly number[] }

/** Coefficients of AS 241 as doubles, the constant term first. */
const CENTRE: Rational = {
  over: [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946,
    45921.95393154987, 67265.7709270087, 33430.57558358813, 2509.0809287301227,
  ],
  under: [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597,
    39307.89580009271, 28729.085735721943, 5226.495278852546,
  ],
}

const NEAR_TAIL: Rational = {
  over: [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045,
    1.2704582524523684, 0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
  ],
  under: [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008,
    0.015198666563616457, 0.0005475938084995345, 1.0507500716444169e-9,
  ],
}

const FAR_TAIL: Rational = {
  over: [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487,
    0.026532189526576124, 0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
  ],
  under: [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133,
    1.8463183175100548e-5, 1.421511758316446e-7, 2.0442631033899397e-15,
  ],
}

function rational(x: number, { over, under }: Rational): number {
  return polynomial(x, over) / polynomial(x, under)
}

function polynomial(x: number, coefficients: readonly number[]): number {
  return coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0)
}

/** z + z³/3 + z⁵/(3·5) + …: converges for every z, and is short where |z| is. */
function middleSeries(z: number): number {
  let term = z
  let sum = z
  for (let odd = 3; Math.abs(term) > 1e-17 * Math.abs(sum); odd += 2) {
    term *= (z * z) / odd
    sum += term
  }
  return sum
}

/** z + 1/(z + 2/(z + 3/(z + …))), which is φ(z) / Φ(−z); 120 terms suffice from z = 3 on. */
function laplaceFraction(z: number): number {
  let fraction = z
  for (let level = 120; level > 0; level -= 1) fraction = z + level / fraction
  return fraction
}
