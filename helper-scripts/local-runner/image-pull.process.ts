import { get } from 'node:http';

/**
 * Registries that docker asks without TLS, and that a server of a test can be.
 * Source: https://docs.docker.com/reference/cli/dockerd/#insecure-registries
 */
const loopbackImage = /^((?:127\.0\.0\.1|localhost):\d+)\/([^:@]+)(?:[:@](.+))?$/;

/** An image cannot be had. */
export class ImagePullError extends Error {
  override readonly name = 'ImagePullError';
}

/**
 * The part of a pull that takes its time: it waits for the image's registry, as long as that takes. There is no docker
 * that would keep an image, so only registries on this machine are asked, and images of others are taken as there.
 *
 * @throws {ImagePullError} when the registry has not got it. Returns when the signal is aborted.
 */
export async function pullImage(image: string, signal: AbortSignal): Promise<void> {
  const [, registry, name, reference = 'latest'] = loopbackImage.exec(image) ?? [];
  if (registry === undefined) return;
  const refusal = await askForManifest(`http://${registry}/v2/${name}/manifests/${reference}`, signal);
  if (refusal === null || signal.aborted) return;
  throw new ImagePullError(`failed to pull image "${image}" with specified policies [always]: ${refusal}`);
}

/** Why the registry gives none; null when it does. */
function askForManifest(url: string, signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    const request = get(url, { signal }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? null : `${url}: ${response.statusCode} ${response.statusMessage}`);
    });
    request.once('error', (error) => resolve(`${url}: ${error.message}`));
  });
}
