import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultsOf, faultsOfFile } from './inputs.ts';

describe('the faults of a deployment', () => {
  it('are said all at once, those between settings too, each with its path', () => {
    const faults = faultsOf({
      name: 'CI West',
      gitlab: { url: 'gitlab.example.com' },
      maxAttempts: 0,
      defaultRunner: { type: 'EC2', profile: 'huge' },
      profiles: {
        small: { type: 'LAMBDA', timeoutMinutes: 60 },
        big: { type: 'EC2', instanceTypes: ['large'] },
        shell: { type: 'EC2', executor: 'shell', docker: { image: 'alpine' } },
        lost: { type: 'EC2', extends: 'nobody' },
      },
      maxConcurent: 3,
    });
    expect(faults.map((fault) => fault.split(':')[0]).sort()).toEqual(
      [
        'name',
        'gitlab.url',
        'maxAttempts',
        'profiles.small.timeoutMinutes',
        'profiles.big.instanceTypes[0]',
        'profiles.lost.extends',
        'maxConcurent',
        'profiles.shell.docker',
        'defaultRunner.profile',
      ].sort(),
    );
  });

  it.each<[string, unknown, string]>([
    ['a missing value', { profiles: { a: {} } }, 'profiles.a.type: is missing; write one of: "LAMBDA", "EC2"'],
    ['another type of value', { profiles: 5 }, 'profiles: is 5; write an object'],
    ['a number that is not whole', { maxAttempts: 1.5 }, 'maxAttempts: is 1.5; write a whole number'],
    ['a number that is too small', { maxAttempts: 0 }, 'maxAttempts: is 0; give at least 1'],
    ['a number that is not positive', { maxConcurrent: 0 }, 'maxConcurrent: is 0; give more than 0'],
    ['a number that is too large', { maxAttempts: 11 }, 'maxAttempts: is 11; give at most 10'],
    [
      'no time at all for earlier jobs',
      { exact: 0 },
      'exact: is 0; write "always", "off", or whole seconds from 1 to 86400 (a day)',
    ],
    ['no patience at all', { reconciler: { patience: 0 } }, 'reconciler.patience: is 0; give at least 0.02'],
    [
      'impatience with a GitLab that is not on this machine',
      { reconciler: { patience: 0.5 } },
      'reconciler.patience: is 0.5, which would end runners that are still starting; give at least 1 (less is for a GitLab on this machine)',
    ],
    [
      'a choice that there is not',
      { profiles: { a: { type: 'VM' } } },
      'profiles.a.type: is "VM"; write one of: "LAMBDA", "EC2"',
    ],
    [
      'an option that there is not',
      { profiles: { a: { type: 'EC2', onDemand: 'sometimes' } } },
      'profiles.a.onDemand: is "sometimes"; write one of: "never", "fallback", "always"',
    ],
    ['a text of another form', { region: 'west' }, 'region: is "west"; name a region such as eu-west-1'],
    [
      'a text that begins otherwise',
      { profiles: { a: { type: 'EC2', imageParameter: 'ami-1' } } },
      'profiles.a.imageParameter: is "ami-1"; begin it with "/"',
    ],
    [
      'an empty text',
      { profiles: { a: { type: 'EC2', docker: { image: '' } } } },
      'profiles.a.docker.image: is ""; write something',
    ],
    [
      'a text that is too long',
      { resourceTags: { a: 'b'.repeat(257) } },
      `resourceTags.a: is "${'b'.repeat(59)}...; give at most 256 characters`,
    ],
    [
      'a blank that would be a part of a name',
      { profiles: { a: { type: 'EC2', docker: { image: 'alpine:3.22 ' } } } },
      'profiles.a.docker.image: is "alpine:3.22 "; has a blank or a line break; remove it',
    ],
    [
      'a blank behind an id',
      { network: { vpcId: 'vpc-1', subnetIds: ['subnet-1\n'] } },
      'network.subnetIds[0]: is "subnet-1\\n"; has a sign that no id has, a blank perhaps; remove it',
    ],
    [
      'a folder that is none',
      { profiles: { a: { type: 'EC2', docker: { buildsDir: '/builds/' } } } },
      'profiles.a.docker.buildsDir: is "/builds/"; write a folder such as /builds, without a slash at its end',
    ],
    [
      'a control character in a script',
      { profiles: { a: { type: 'EC2', hooks: { boot: 'true\r' } } } },
      'profiles.a.hooks.boot: has a control character that is neither a line break nor a tab; remove it',
    ],
    [
      'another protocol',
      { gitlab: { url: 'ftp://gitlab.example.com' } },
      'gitlab.url: is "ftp://gitlab.example.com"; write an address such as https://gitlab.example.com',
    ],
    [
      'an empty list',
      { profiles: { a: { type: 'EC2', instanceTypes: [] } } },
      'profiles.a.instanceTypes: is an empty list; give at least 1',
    ],
    [
      'a list that repeats itself',
      { profiles: { a: { type: 'EC2', instanceTypes: ['m7a.large', 'm7i.large', 'm7a.large'] } } },
      'profiles.a.instanceTypes: names "m7a.large" twice; remove one of them',
    ],
    [
      'a name that cannot be part of other names',
      { profiles: { 'My Profile': { type: 'EC2' } } },
      'profiles["My Profile"]: is "My Profile"; use 1 to 32 lower-case letters, digits and hyphens, beginning with a letter',
    ],
    ['half of a network', { network: { vpcId: 'vpc-1' } }, 'network.subnetIds: is missing; write a list'],
    [
      'a network of both kinds',
      { network: { vpcId: 'vpc-1', subnetIds: ['subnet-1'], natGateways: 1 } },
      'network.natGateways: there is no such setting; those here are: vpcId, subnetIds, securityGroupIds',
    ],
    [
      'a network that is too small',
      { network: { cidr: '10.0.0.0/24' } },
      'network.cidr: write a range between /16 and /22',
    ],
    [
      'a tag of AWS',
      { resourceTags: { 'aws:x': 'y' } },
      'resourceTags["aws:x"]: names that begin with "aws:" are AWS\'s own; choose another',
    ],
    [
      'a tag of ours',
      { resourceTags: { 'gitlab-runners-on-demand:x': 'y' } },
      'resourceTags["gitlab-runners-on-demand:x"]: names that begin with "gitlab-runners-on-demand:" are this project\'s own; choose another',
    ],
    [
      'too many tags',
      { resourceTags: Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`t${index}`, 'x'])) },
      'resourceTags: has more than 20 tags; remove some',
    ],
    [
      'a tag whose name Image Builder does not know',
      { resourceTags: { 'kosten stelle': 'y' } },
      'resourceTags["kosten stelle"]: is "kosten stelle"; a tag\'s name has letters of the English alphabet, digits and _.:/=+-',
    ],
    [
      'a tag without a value',
      { resourceTags: { team: '' } },
      'resourceTags.team: is ""; not every service takes a tag without a value; write one',
    ],
    [
      "a tag whose value begins like AWS's own",
      { resourceTags: { team: 'AWS:x' } },
      'resourceTags.team: values that begin with "aws:" are AWS\'s own; choose another',
    ],
    [
      'tags that are one to IAM',
      { resourceTags: { Team: 'a', team: 'b' } },
      'resourceTags: has two names that differ in upper and lower case alone, which are one to IAM; remove one',
    ],
    [
      "a tag of a profile that is one with the deployment's to IAM",
      { resourceTags: { Team: 'a' }, profiles: { default: { type: 'EC2', resourceTags: { team: 'b' } } } },
      'profiles.default.resourceTags.team: is "Team" of the deployment but for upper and lower case, and IAM takes both for one; write it as "Team"',
    ],
    [
      'a name whose parameters SSM keeps to itself',
      { name: 'aws-ci' },
      'name: SSM keeps parameters whose names begin with "aws" or "ssm" to itself; choose another name',
    ],
    [
      'another such',
      { name: 'ssm-x' },
      'name: SSM keeps parameters whose names begin with "aws" or "ssm" to itself; choose another name',
    ],
    ['a name that no bucket has', { name: 'sthree-ci' }, 'name: no bucket may begin so; choose another name'],
    [
      'a name that no security group has',
      { name: 'sg-ci' },
      'name: no security group may have a name that begins with "sg-"; choose another name',
    ],
    [
      'a name that no repository has',
      { name: 'ci-' },
      'name: repositories of ECR have no two hyphens in a row, and a hyphen follows your name; choose another name',
    ],
    ['the tags of AWS under their old name', { tags: { team: 'ci' } }, 'tags: is called "resourceTags" now'],
    [
      'tags of AWS where those of jobs belong',
      { profiles: { a: { type: 'EC2', tags: { team: 'ci' } } } },
      'profiles.a.tags: is an object; write a list of the tags that jobs have in .gitlab-ci.yml, such as ["shell"]; tags of AWS resources are "resourceTags"',
    ],
    [
      'a tag that no job can have',
      { profiles: { a: { type: 'EC2', tags: ['big, docker'] } } },
      "profiles.a.tags[0]: GitLab's tags have no comma, and no blank around them; remove it",
    ],
    [
      'two profiles with the same tags',
      { profiles: { a: { type: 'EC2', tags: ['x', 'y'] }, b: { type: 'LAMBDA', tags: ['y', 'x'] } } },
      'profiles.b.tags: are those of the profile "a" too, so that nothing says whose a job with them is; give one of the two tags of its own, or none: []',
    ],
    [
      'a profile that takes over the tags of another',
      { profiles: { a: { type: 'EC2', extends: 'b' }, b: { type: 'EC2', tags: ['x'] } } },
      'profiles.b.tags: are those of the profile "a" too, so that nothing says whose a job with them is; give one of the two tags of its own, or none: []',
    ],
    [
      'no profile',
      { profiles: {} },
      'profiles: has no profile, so no job could run; write one such as { default: { type: "EC2" } }',
    ],
    [
      'a default profile that mappings cannot mean',
      { profiles: { default: { type: 'LAMBDA' } } },
      'profiles.default: must be of type EC2: it is what mappings of that type mean when they name no profile; give this one another name',
    ],
    ['no deployment', undefined, 'deployment: is missing; write an object'],
  ])('say %s and what to write instead', (_what, input, fault) => {
    expect(faultsOf(input)).toEqual([fault]);
  });

  it.each([
    ['', 'write the path of a project'],
    ['!group/secret', 'a list of what is allowed cannot exclude; name what you want instead'],
    ['/group/project', 'write the path alone, such as group/project'],
    ['https://gitlab.example.com/group/project', 'write the path alone, such as group/project'],
    ['group', 'a project is in a group; write group/project, or group/** for all of a group'],
    ['group/project/', 'a path does not end with a slash; remove it, or write group/** for all of a group'],
    ['group/my project', 'a path has no spaces; remove them'],
  ])('name an allowed project that would allow nothing, or everything: "%s"', (path, remedy) => {
    expect(faultsOf({ allowedProjects: ['group/**', path, '**'] })).toEqual([
      `allowedProjects[1]: is ${JSON.stringify(path)}; ${remedy}`,
    ]);
  });

  it('name each unknown setting on its own, with the nearest that there is', () => {
    expect(
      faultsOf({
        maxConcurent: 3,
        Profiles: {},
        colour: 'red',
        profiles: { a: { type: 'EC2', docker: { imgae: 'x' } } },
      }),
    ).toEqual([
      'profiles.a.docker.imgae: there is no such setting; did you mean "image"?',
      'maxConcurent: there is no such setting; did you mean "maxConcurrent"?',
      'Profiles: there is no such setting; did you mean "profiles"?',
      expect.stringMatching(/^colour: there is no such setting; those here are: name, account, .*profiles$/),
    ]);
  });

  it.each([
    ['does not exist', { type: 'EC2', profile: 'huge' }, 'name one of: default'],
    ['is misspelt', { type: 'EC2', profile: 'defualt' }, 'did you mean "default"?'],
    ['is of another type', { type: 'LAMBDA', profile: 'default' }, 'name one of: shell'],
    ['is something that every object has', { type: 'EC2', profile: 'constructor' }, 'name one of: default'],
  ] as const)('name the profiles that there are when the default runner’s %s', (_, defaultRunner, remedy) => {
    expect(faultsOf({ defaultRunner })).toEqual([
      `defaultRunner.profile: "${defaultRunner.profile}" is not a profile of type ${defaultRunner.type}; ${remedy}`,
    ]);
  });

  it('never hide behind another error, whatever is written', () => {
    const keys = fc.constantFrom(
      'profiles',
      'default',
      'type',
      'extends',
      'docker',
      'network',
      'tags',
      '__proto__',
      'x',
    );
    const values = fc.constantFrom('EC2', 'LAMBDA', 'default', 'vpc-1', 'constructor');
    const anything = fc.anything({
      key: keys,
      values: [values, fc.integer(), fc.constant(null), fc.constant(undefined)],
      maxDepth: 5,
    });
    fc.assert(
      fc.property(anything, (input) => {
        faultsOf(input);
        faultsOf({ profiles: { default: input, other: { type: 'EC2', extends: 'default' } } });
        faultsOfFile([input, input]);
      }),
      { numRuns: 1_000 },
    );
  });
});
