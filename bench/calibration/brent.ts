/** Machine precision of a double. */
const EPSILON = 2 ** -52

/**
 * A root of `f` between `from` and `to`, where it has opposite signs, to within `tolerance`: Brent's
 * method (R. P. Brent, Algorithms for Minimization without Derivatives, 1973, chapter 4), in the form
 * of `zeroin` that R uses. A tolerance that is wide for the values at hand gives whatever the last
 * iteration left: the judge that is compared here has 1e-4, and rates of 1 % are told apart by less.
 */
export function findRoot(
  f: (x: number) => number,
  from: number,
  to: number,
  tolerance: number,
): number {
  // `best` is the estimate, `other` keeps the sign on the far side, `last` is the estimate before.
  let last = { x: from, y: f(from) }
  let best = { x: to, y: f(to) }
  let other = last
  if (last.y === 0) return last.x
  for (let iteration = 0; iteration <= 1000; iteration += 1) {
    const previousStep = best.x - last.x
    if (Math.abs(other.y) < Math.abs(best.y)) {
      last = best
      best = other
      other = last
    }
    const precision = 2 * EPSILON * Math.abs(best.x) + tolerance / 2
    const half = (other.x - best.x) / 2
    if (Math.abs(half) <= precision || best.y === 0) return best.x
    const isPromising = Math.abs(previousStep) >= precision && Math.abs(last.y) > Math.abs(best.y)
    let step =
      (isPromising ? interpolate(last, best, other, previousStep, precision) : null) ?? half
    if (Math.abs(step) < precision) step = step > 0 ? precision : -precision
    last = best
    const x = best.x + step
    best = { x, y: f(x) }
    if (Math.sign(best.y) === Math.sign(other.y)) other = last
  }
  return best.x
}

type Point = { readonly x: number; readonly y: number }

/** The step of the secant or of inverse quadratic interpolation; null where halving is safer. */
function interpolate(
  last: Point,
  best: Point,
  other: Point,
  previousStep: number,
  precision: number,
): number | null {
  const width = other.x - best.x
  const s = best.y / last.y
  let p = width * s
  let q = 1 - s
  if (last.x !== other.x) {
    const r = best.y / other.y
    const t = last.y / other.y
    p = s * (width * t * (t - r) - (best.x - last.x) * (r - 1))
    q = (t - 1) * (r - 1) * (s - 1)
  }
  if (p > 0) q = -q
  else p = -p
  const isInside = p < 0.75 * width * q - Math.abs(precision * q) / 2
  return isInside && p < Math.abs((previousStep * q) / 2) ? p / q : null
}
