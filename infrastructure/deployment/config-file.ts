import { pathToFileURL } from 'node:url';
import { DeploymentConfigError } from './faults.ts';

/** Errors of files that Node cannot load: wrong syntax, or an import that leads nowhere. */
const loadErrors = ['ERR_MODULE_NOT_FOUND', 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX', 'ERR_INVALID_TYPESCRIPT_SYNTAX'];

/**
 * What a configuration file exports by default. Node runs the file as it is, without its types.
 *
 * @throws {DeploymentConfigError} when Node cannot load it; what the file itself throws, as it is.
 */
export async function importConfigFile(path: string): Promise<unknown> {
  try {
    const { default: exported } = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
    return exported;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (!(error instanceof SyntaxError) && !loadErrors.includes(code)) throw error;
    const hint = 'Node runs it without its types: write imports with their file endings, and no enum or namespace';
    throw new DeploymentConfigError(`${path} cannot be loaded: ${message}. ${hint}.`, { cause: error });
  }
}
