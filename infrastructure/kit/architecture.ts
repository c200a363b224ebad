/** Processor architectures of runners, as EC2 spells them. */
export const architectures = ['x86_64', 'arm64'] as const;
export type Architecture = (typeof architectures)[number];
