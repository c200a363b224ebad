/** Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions */
const longestCharacters = 256;

/**
 * A text from elsewhere as the value of a tag of EC2, which takes letters, digits, blanks and `_.:/=+-@`, and no value
 * that begins like AWS's own. For people to read: nothing may be decided by it, since two texts can become one value.
 */
export function tagValueOf(text: string): string {
  const plain = text.replace(/[^\p{L}\p{N} _.:/=+@-]/gu, '_').replace(/^aws:/i, 'aws_');
  return [...plain].slice(0, longestCharacters).join('');
}
