import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  ensurePythonEnvironment,
  PackageInstallError,
  PythonMissingError,
  VenvMissingError,
} from '../../../helper-scripts/local-aws/python-environment.process.ts';

describe('the Python environment', () => {
  let place = '';
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), 'python-environment-test-'));
    writeFileSync(join(place, 'requirements.txt'), 'ministack==1.0.0\n');
  });

  /** A stand-in for Python: writes down what it installs, and fails where it is told to. */
  function standIn({ version = '3.11', venv = 'exit 0', pip = 'exit 0' } = {}): string {
    const script = `#!/bin/sh
      case "$2" in
        venv) ${venv === 'exit 0' ? '' : `${venv};`}
              mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && echo "version = ${version}.0" > "$3/pyvenv.cfg" ;;
        pip) for last; do :; done; cat "$last" >> ${join(place, 'installed')}; ${pip} ;;
        *) echo ${version} ;;
      esac\n`;
    const path = join(place, 'python3');
    writeFileSync(path, script);
    chmodSync(path, 0o755);
    return path;
  }

  const ensure = (systemPython: string, log: (line: string) => void = () => {}) =>
    ensurePythonEnvironment({
      log,
      systemPython,
      folder: join(place, 'environment'),
      requirements: join(place, 'requirements.txt'),
    });
  const installed = () => readFileSync(join(place, 'installed'), 'utf8').split('\n').filter(Boolean);

  test('is made once, and left alone as long as nothing is missing', async () => {
    const python = await ensure(standIn());
    const lines: string[] = [];

    expect(await ensure(standIn(), (line) => lines.push(line))).toBe(python);

    expect(existsSync(python)).toBe(true);
    expect(installed()).toEqual(['ministack==1.0.0']);
    expect(lines).toEqual([]);
  });

  test('is made anew when the requirements have changed', async () => {
    await ensure(standIn());
    writeFileSync(join(place, 'requirements.txt'), 'ministack==2.0.0\n');

    await ensure(standIn());

    expect(installed()).toEqual(['ministack==1.0.0', 'ministack==2.0.0']);
  });

  test('is complete for each of several that ask for it at once', async () => {
    const system = standIn();

    const pythons = await Promise.all([ensure(system), ensure(system)]);

    expect(pythons.map((python) => existsSync(python))).toEqual([true, true]);
  });

  test('that could not be completed is not taken for complete', async () => {
    await expect(ensure(standIn({ pip: 'exit 1' }))).rejects.toThrow(PackageInstallError);

    await ensure(standIn());

    expect(installed()).toHaveLength(2);
  });

  test('without Python, the error says what to install', async () => {
    const attempt = ensure(join(place, 'no-such-python'));
    await expect(attempt).rejects.toThrow(PythonMissingError);
    await expect(attempt).rejects.toThrow('apt install python3');
  });

  test('with a Python that is too old, the error names both versions', async () => {
    await expect(ensure(standIn({ version: '3.9' }))).rejects.toThrow(/version 3\.9.* needs 3\.11/);
  });

  test('without the module venv, the error names the package that has it', async () => {
    const attempt = ensure(standIn({ venv: 'echo "ensurepip is not available" >&2; exit 1' }));
    await expect(attempt).rejects.toThrow(VenvMissingError);
    await expect(attempt).rejects.toThrow(/python3-venv[\s\S]*ensurepip is not available/);
  });

  test('without access to a package index, the error names the variable to set', async () => {
    const attempt = ensure(standIn({ pip: 'echo "Could not find a version that satisfies ministack" >&2; exit 1' }));
    await expect(attempt).rejects.toThrow(PackageInstallError);
    await expect(attempt).rejects.toThrow(/PIP_INDEX_URL[\s\S]*Could not find a version/);
  });
});
