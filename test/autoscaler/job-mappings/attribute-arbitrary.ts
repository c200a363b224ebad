import fc from 'fast-check';
import type { AttributeValue } from '../../../autoscaler/job-mappings/attribute-values.ts';

const bytes = fc.uint8Array({ minLength: 1, maxLength: 8 }).map((array) => Uint8Array.from(array));
const digits = fc.oneof(
  fc.integer().map(String),
  fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }).map(String),
  fc.constantFrom('1.5', '0.1', '-12.25', '123456789012345678901234567890.5', '0'),
);
const sorted = (texts: readonly string[]) => [...texts].sort();
const sizes = { minLength: 1, maxLength: 4 };
const names = fc.oneof(fc.string(), fc.constantFrom('$dynamodb', '__proto__', 'N', '<<', 'null', '1'));

/**
 * Whatever DynamoDB may hold in an attribute, in the form in which it is given back; sets, which have no order, sorted.
 */
export const { attribute: storedAttributes } = fc.letrec<{ attribute: AttributeValue }>((tie) => ({
  attribute: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string({ unit: 'binary' }).map((S) => ({ S })),
    fc
      .constantFrom(
        'yes',
        'null',
        '1e3',
        '- a',
        '# b',
        'c: d',
        '\u0085',
        ' \n',
        '\r\n',
        '2030-01-01',
        '&x',
        '*',
        '!!js',
      )
      .map((S) => ({ S })),
    digits.map((N) => ({ N })),
    fc.boolean().map((BOOL) => ({ BOOL })),
    fc.constant({ NULL: true as const }),
    bytes.map((B) => ({ B })),
    fc.uniqueArray(fc.string(), sizes).map((SS) => ({ SS: sorted(SS) })),
    fc.uniqueArray(digits, sizes).map((NS) => ({ NS: sorted(NS) })),
    fc.array(tie('attribute')).map((L) => ({ L })),
    fc.dictionary(names, tie('attribute')).map((M) => ({ M: Object.fromEntries(Object.entries(M)) })),
  ),
}));

/** Items that have no keys yet: attributes by their names. */
export const storedItems = fc
  .dictionary(fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('note', '__proto__', '<<')), storedAttributes)
  .map((item) => Object.fromEntries(Object.entries(item)));
