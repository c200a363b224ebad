import type { Ec2Profile } from './ec2-profile.ts';

/**
 * A setting by which a profile's jobs reach more of their host than a container gives; `what` it is, as a message
 * begins.
 */
export type HostDoor = { readonly path: readonly PropertyKey[]; readonly what: string };

/**
 * Every setting of a profile by which its jobs own the host, or could come to: its memory, its role, whatever its role
 * may do. None: a job stays in its container. What is not known to be harmless counts, so that a setting of a later
 * release of GitLab Runner is a door until somebody has looked at it.
 */
export function hostDoorsOf(profile: Ec2Profile): readonly HostDoor[] {
  const { executor, docker } = profile;
  if (executor !== 'docker')
    return [{ path: ['executor'], what: `is "${executor}", whose jobs run beside the runner and` }];
  return [
    ...(['privileged', 'hostSocket'] as const).flatMap((key) =>
      docker?.[key] ? [{ path: ['docker', key], what: 'is true, which would' }] : [],
    ),
    ...(docker?.capAdd ?? []).flatMap((capability, index) =>
      dockersOwnCapabilities.includes(capability.replace(/^CAP_/, ''))
        ? []
        : [{ path: ['docker', 'capAdd', index], what: `"${capability}" could` }],
    ),
    ...(docker?.volumes ?? []).flatMap((volume, index) =>
      volume.includes(':')
        ? [{ path: ['docker', 'volumes', index], what: `"${volume}" is a part of the host, which would` }]
        : [],
    ),
    ...runnerConfigDoors(profile.runnerConfig.docker),
  ];
}

/** Whether a job of the profile may have its host. Where it may, nothing on the host is out of its reach. */
export function jobsOwnHost(profile: Ec2Profile): boolean {
  return hostDoorsOf(profile).length > 0;
}

/**
 * What every container has. Source:
 * https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities
 */
const dockersOwnCapabilities = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
];

/**
 * Settings of GitLab Runner's docker executor that leave a job inside of its container, whatever their value.
 * Source: https://docs.gitlab.com/runner/configuration/advanced-configuration/#the-runnersdocker-section
 */
export const harmlessDockerSettings: readonly string[] = [
  'allowed_images',
  'allowed_pull_policies',
  'allowed_services',
  'allowed_users',
  'cap_drop',
  'container_labels',
  'cpu_shares',
  'cpus',
  'cpuset_cpus',
  'cpuset_mems',
  'disable_cache',
  'disable_entrypoint_overwrite',
  'dns',
  'dns_search',
  'enable_ipv6',
  'extra_hosts',
  'helper_image',
  'helper_image_flavor',
  'hostname',
  'mac_address',
  'memory',
  'memory_reservation',
  'memory_swap',
  'network_mtu',
  'service_cpu_shares',
  'service_cpus',
  'service_cpuset_cpus',
  'service_memory',
  'service_memory_reservation',
  'service_memory_swap',
  'services_limit',
  'services_tmpfs',
  'tmpfs',
  'ulimit',
  'user',
  'volume_keep',
  'wait_for_services_timeout',
];

/**
 * Settings with values that leave a job inside, and values that do not (`host`, or the namespace of another container).
 */
const harmlessValues: Readonly<Record<string, (value: unknown) => boolean>> = {
  ipcmode: (value) => value === 'private' || value === 'none' || value === '',
  network_mode: (value) => typeof value === 'string' && !/^(?:host|ns|container)(?::|$)/i.test(value),
  pid_mode: (value) => value === '',
  userns_mode: (value) => value === '',
  privileged: (value) => value === false,
  services_privileged: (value) => value === false,
  security_opt: isOnlyStricter,
  services_security_opt: isOnlyStricter,
};

/** Any other option names a profile of seccomp, AppArmor or SELinux, `unconfined` among them. */
function isOnlyStricter(value: unknown): boolean {
  return Array.isArray(value) && value.every((option) => /^no-new-privileges(?:[:=]true)?$/.test(String(option)));
}

function runnerConfigDoors(docker: unknown): HostDoor[] {
  if (typeof docker !== 'object' || docker === null || Array.isArray(docker)) return [];
  return Object.entries(docker)
    .filter(([key, value]) => !harmlessDockerSettings.includes(key) && !harmlessValues[key]?.(value))
    .map(([key]) => ({ path: ['runnerConfig', 'docker', key], what: 'could' }));
}
