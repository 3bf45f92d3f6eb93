import fc from 'fast-check'

/**
 * fast-check, whose cases are the same in every run, so that chance fails nobody's change; `FC_SEED=N`
 * draws others, and `FC_SEED=random` others each time (a failure prints the seed to give here).
 */
const { FC_SEED = '1' } = process.env
fc.configureGlobal(FC_SEED === 'random' ? {} : { seed: Number(FC_SEED) })

export { fc }
