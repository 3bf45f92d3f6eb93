import type { ValidateFunction } from 'ajv'

/**
 * Whether a tree has the shape of a configuration; if not, `errors` are all differences, with the schema that each
 * is of. Written beside its declaration by the build: see build-validate-shape.ts.
 */
export declare const validateShape: ValidateFunction
