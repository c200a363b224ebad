import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type ComponentSource, renderComponentDocument } from '../../ec2-runner-ami/component-document.ts';
import { contentVersion } from '../../ec2-runner-ami/content-version.ts';
import { gitlabRunnerRelease } from '../../infrastructure/gitlab-runner/gitlab-runner-pins.ts';
import { architectures } from '../../infrastructure/kit/architecture.ts';
import { commandsOf, componentsOf } from './component-commands.ts';

const source = (changes: Partial<ComponentSource> = {}): ComponentSource => ({
  name: 'tools',
  description: 'Tools',
  scripts: { build: 'echo one\necho "two: # $three"\n' },
  variables: {},
  ...changes,
});
describe('renderComponentDocument', () => {
  it('keeps a script as it is, as one command', () => {
    expect(commandsOf(renderComponentDocument(source()), 'build')).toEqual(['echo one\necho "two: # $three"\n']);
  });

  it('sets variables in front of the script', () => {
    const document = renderComponentDocument(source({ variables: { version: '1.2.3', sha256: '' } }));
    expect(commandsOf(document, 'build')[0]).toMatch(/^version='1\.2\.3'\nsha256=''\necho one/);
  });

  it('puts phases into the order in which Image Builder runs them', () => {
    const document = renderComponentDocument(source({ scripts: { test: 'c', validate: 'b', build: 'a' } }));
    expect(parse(document).phases.map(({ name }: { name: string }) => name)).toEqual(['build', 'validate', 'test']);
  });

  it('writes the schema version as Image Builder reads it', () => {
    expect(renderComponentDocument(source())).toContain('\nschemaVersion: 1.0\n');
  });

  it('brings files along, just as they are', () => {
    const text = 'first "$line"\n\n  `second`\n';
    const document = renderComponentDocument(
      source({ scripts: { test: 'cat "$files/a.txt"' }, files: { 'a.txt': text } }),
    );
    expect(execFileSync('bash', ['-c', commandsOf(document, 'test').join('\n')]).toString()).toBe(text);
  });

  it('refuses files that would end before their end', () => {
    for (const text of ['no line break', 'one\nEND-OF-FILE\ntwo\n']) {
      expect(() => renderComponentDocument(source({ files: { 'a.txt': text } }))).toThrow(/file a\.txt of tools/);
    }
    expect(() => renderComponentDocument(source({ files: { 'a.txt': '{{ x }}\n' } }))).toThrow(/build script of tools/);
  });

  it('refuses what Image Builder would replace, and values that could end their quotes', () => {
    expect(() => renderComponentDocument(source({ scripts: { build: 'echo {{ x }}' } }))).toThrow(
      /build script of tools/,
    );
    expect(() => renderComponentDocument(source({ variables: { version: "1'; reboot" } }))).toThrow(/variable version/);
  });
});

describe.each(architectures)('the components of the %s image', (architecture) => {
  const components = componentsOf(architecture);

  it('fit into what Image Builder takes as a document', () => {
    for (const component of components) expect(renderComponentDocument(component).length).toBeLessThan(16_000);
  });

  it('set every variable that their scripts ask for', () => {
    for (const { scripts, variables, files } of components) {
      const set = [...Object.keys(variables), ...(files ? ['files'] : [])];
      for (const script of Object.values(scripts)) {
        const asked = [...script.matchAll(/"\$\{(\w+):?\?\}"/g)].map(([, name]) => name);
        expect(set).toEqual(expect.arrayContaining(asked));
      }
    }
  });

  it('pass a pinned checksum on', () => {
    const pinned = { ...gitlabRunnerRelease, sha256: { x86_64: 'a'.repeat(64), arm64: 'b'.repeat(64) } };
    const runner = componentsOf(architecture, pinned).find(({ name }) => name === 'gitlab-runner');
    expect(runner?.variables.sha256).toBe(pinned.sha256[architecture]);
  });
});

describe('contentVersion', () => {
  it('is the same for the same content and another for any change', () => {
    expect(contentVersion('a')).toBe(contentVersion('a'));
    expect(contentVersion('a')).not.toBe(contentVersion('a '));
  });

  it('stays inside the numbers that Image Builder takes', () => {
    for (let index = 0; index < 2_000; index += 1) {
      const [, minor, patch] = contentVersion(String(index)).split('.').map(Number);
      expect(Math.max(minor ?? Number.NaN, patch ?? Number.NaN)).toBeLessThan(2 ** 30);
    }
  });

  it('changes the version of a component with its script', () => {
    const version = (build: string) => contentVersion(renderComponentDocument(source({ scripts: { build } })));
    expect(version('echo one')).not.toBe(version('echo two'));
  });
});
