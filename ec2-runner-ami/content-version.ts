import { createHash } from 'node:crypto';

/**
 * A semantic version that follows from the content. A version of an Image Builder component or recipe can never change
 * its content, so a change needs another version; this way nobody has to think of it, and the same content keeps its
 * version. The numbers say nothing about age. Each of minor and patch holds 30 bits of a SHA-256, Image Builder's
 * limit.
 * Source: https://docs.aws.amazon.com/imagebuilder/latest/APIReference/API_CreateComponent.html
 */
export function contentVersion(content: string): string {
  const digest = createHash('sha256').update(content).digest();
  return `1.${digest.readUInt32BE(0) >>> 2}.${digest.readUInt32BE(4) >>> 2}`;
}
