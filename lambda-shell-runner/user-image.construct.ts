import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { joinDockerfiles, keepInContext, UserImageError } from './user-image.ts';

const repository = join(import.meta.dirname, '..');

/**
 * Adds a profile's own image (`imageFolder`) to the build context of ours.
 *
 * @throws {UserImageError} when the folder has no Dockerfile, or files of the names of ours.
 */
export function addUserImage(context: string, imageFolder: string): void {
  const folder = resolve(repository, imageFolder);
  const theirs = join(folder, 'Dockerfile');
  if (!existsSync(theirs)) {
    throw new UserImageError(`${theirs} does not exist; imageFolder is a folder with a Dockerfile, from ${repository}`);
  }
  const ours = readdirSync(context);
  const clash = readdirSync(folder).find((name) => name !== 'Dockerfile' && ours.includes(name));
  if (clash) throw new UserImageError(`${join(folder, clash)} has the name of a file of our image; rename it`);
  const dockerfile = joinDockerfiles(
    readFileSync(join(context, 'Dockerfile'), 'utf8'),
    readFileSync(theirs, 'utf8'),
    imageFolder,
  );
  cpSync(folder, context, { recursive: true, filter: (source) => source !== theirs });
  writeFileSync(join(context, 'Dockerfile'), dockerfile);
  const ignoreFile = join(context, '.dockerignore');
  if (existsSync(ignoreFile)) writeFileSync(ignoreFile, keepInContext(readFileSync(ignoreFile, 'utf8'), ours));
}
