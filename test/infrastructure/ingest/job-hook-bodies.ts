/** Bodies of job hooks as GitLab sends them; `changes` replaces top-level fields. */
type Changes = Readonly<Record<string, unknown>>;

/** GitLab 19, before September 2026. */
export function jobHookBody(changes: Changes = {}) {
  return {
    object_kind: 'build',
    ref: 'main',
    tag: false,
    before_sha: '0000000000000000000000000000000000000000',
    sha: '2293ada6b400935a1378653304eaf6221e0fdb8f',
    retries_count: 0,
    build_id: 1977,
    build_name: 'test',
    build_stage: 'verify',
    build_status: 'pending',
    build_created_at: '2026-09-21T02:41:37.886Z',
    build_started_at: null,
    build_finished_at: null,
    build_created_at_iso: '2026-09-21T02:41:37Z',
    build_started_at_iso: null,
    build_finished_at_iso: null,
    build_duration: null,
    build_queued_duration: 0.588715,
    build_allow_failure: false,
    build_failure_reason: 'unknown_failure',
    pipeline_id: 2366,
    runner: null,
    project_id: 380,
    project_name: 'Some Group / Some Project',
    user: { id: 3, name: 'A User', username: 'user', email: 'user@example.com' },
    commit: { id: 2366, sha: '2293ada6', message: 'a message that stays out\n', status: 'pending' },
    repository: {
      name: 'project',
      url: 'git@gitlab.example.com:group/project.git',
      homepage: 'https://gitlab.example.com/group/project',
      git_ssh_url: 'git@gitlab.example.com:group/project.git',
    },
    project: { id: 380, name: 'Some Project', path_with_namespace: 'group/project', default_branch: 'main' },
    environment: null,
    ...changes,
  };
}

/** As since September 2026: the hook says when the status became what it tells. */
export function newestJobHookBody(changes: Changes = {}) {
  return jobHookBody({
    build_status_changed_at: '2026-09-21T02:41:36.250Z',
    build_status_changed_at_iso: '2026-09-21T02:41:36Z',
    ...changes,
  });
}

/** As all jobs of all stages are told when a pipeline is made. */
export function createdJobBody() {
  return jobHookBody({ build_status: 'created', commit: { id: 2366, status: 'created', started_at: null } });
}

/** A job of a pipeline that has begun, as GitLab 14 told of one that had just become pending. */
export function staleJobHookBody(changes: Changes = {}) {
  return jobHookBody({
    build_status: 'created',
    commit: { id: 2366, status: 'running', started_at: '2022-03-24 02:08:31 UTC' },
    ...changes,
  });
}

export function runningJobBody(changes: Changes = {}) {
  return jobHookBody({
    build_status: 'running',
    build_started_at: '2026-09-21 02:42:01 UTC',
    build_started_at_iso: '2026-09-21T02:42:01Z',
    runner: { id: 9171, description: 'on demand', runner_type: 'project_type', active: true, tags: ['docker'] },
    ...changes,
  });
}

export function finishedJobBody(changes: Changes = {}) {
  return runningJobBody({
    build_status: 'success',
    build_finished_at: '2026-09-21 02:44:30 UTC',
    build_finished_at_iso: '2026-09-21T02:44:30Z',
    build_duration: 149.25,
    ...changes,
  });
}

/** What GitLab sent years ago: no `project`, no `*_iso`, no `pipeline_id`, times with a zone of the server. */
export function oldJobHookBody(changes: Changes = {}) {
  return {
    object_kind: 'build',
    ref: 'main',
    tag: false,
    sha: '2293ada6b400935a1378653304eaf6221e0fdb8f',
    build_id: '1977',
    build_name: 'test',
    build_stage: 'verify',
    build_status: 'running',
    build_started_at: '2016-09-28 10:00:00 +0800',
    build_finished_at: null,
    build_duration: null,
    project_id: 380,
    project_name: 'Some Group / Some Project',
    user: { id: null, name: null, email: null },
    commit: { id: '2366', sha: '2293ada6', message: 'old' },
    repository: { name: 'project', url: 'ssh://git@gitlab.example.com:2222/group/sub/project.git' },
    ...changes,
  };
}
