/** What gitlab-runner's TOML takes for a key. `duration`: text such as "30s", or nanoseconds as a whole number. */
export type RunnerValue =
  | 'text'
  | 'integer'
  | 'boolean'
  | 'duration'
  | 'list of text'
  | 'table of text'
  | 'table of boolean'
  | 'table of lists of text';

/** Keys of a table, each with its value's type or the table inside. */
export type RunnerKeys = { readonly [key: string]: RunnerValue | RunnerKeys };

const words = (text: string): readonly string[] => text.trim().split(/\s+/);
const all = (type: RunnerValue, keys: string): RunnerKeys => Object.fromEntries(words(keys).map((key) => [key, type]));

/**
 * The release whose keys these are. Another one may have others: look through its `common/config.go` when the pinned
 * release changes.
 */
export const runnerKeysVersion = '19.3.0';

/**
 * Every key of the `[[runners]]` section that our executors can use, as the released program declares them (the `toml`
 * tags of `common/config.go`), but for lists of tables, which nobody writes in these words. What is not there
 * gitlab-runner ignores silently, and a value of another type ends it.
 * Source: https://gitlab.com/gitlab-org/gitlab-runner/-/blob/v19.3.0/common/config.go
 */
export const runnerKeys: RunnerKeys = {
  ...all(
    'text',
    `builds_dir cache_dir clone_url executor name post_build_script post_get_sources_script pre_build_script
    pre_get_sources_script shell slot_cgroup_template step_runner_image tls-ca-file tls-cert-file tls-key-file
    token url`,
  ),
  ...all(
    'integer',
    'id job_status_final_update_retry_limit limit output_limit request_concurrency unhealthy_requests_limit',
  ),
  ...all(
    'boolean',
    `clean_git_config debug_trace_disabled proxy_exec safe_directory_checkout strict_check_interval
    use_slot_cgroups`,
  ),
  ...all('duration', 'get_sources_timeout prepare_timeout unhealthy_interval'),
  ...all('list of text', 'environment'),
  ...all('table of text', 'labels'),
  ...all('table of boolean', 'feature_flags'),
  artifact: { ...all('duration', 'response_header_timeout upload_timeout') },
  cache: {
    ...all('text', 'Path Type'),
    ...all('integer', 'MaxUploadedArchiveSize'),
    ...all('boolean', 'Shared'),
    azure: { ...all('text', 'AccountKey AccountName ContainerName StorageDomain') },
    gcs: { ...all('text', 'AccessID BucketName CredentialsFile PrivateKey UniverseDomain') },
    s3: {
      ...all(
        'text',
        `AccessKey AuthenticationType BucketLocation BucketName RoleARN SecretKey ServerAddress
        ServerSideEncryption ServerSideEncryptionKeyID SessionToken UploadRoleARN`,
      ),
      ...all('integer', 'AssumeRoleMaxConcurrency'),
      ...all('boolean', 'Accelerate DisableAssumeRoleCredentialsCaching DualStack Insecure PathStyle'),
    },
  },
  custom_build_dir: { ...all('boolean', 'enabled') },
  docker: {
    ...all(
      'text',
      `cache_dir cgroup_parent cpus cpuset_cpus cpuset_mems gpus helper_image helper_image_flavor host hostname
      image ipcmode isolation mac_address memory memory_reservation memory_swap network_mode pid_mode runtime
      service_cgroup_parent service_cpus service_cpuset_cpus service_gpus service_memory
      service_memory_reservation service_memory_swap service_slot_cgroup_template tls_cert_path user userns_mode
      volume_driver`,
    ),
    ...all(
      'integer',
      'cpu_shares network_mtu oom_score_adjust service_cpu_shares services_limit shm_size wait_for_services_timeout',
    ),
    ...all(
      'boolean',
      `disable_cache disable_entrypoint_overwrite enable_ipv6 oom_kill_disable privileged services_privileged
      tls_verify volume_keep`,
    ),
    ...all(
      'list of text',
      `allowed_images allowed_privileged_images allowed_privileged_services allowed_pull_policies allowed_services
      allowed_users cap_add cap_drop device_cgroup_rules devices dns dns_search extra_hosts group_add links
      pull_policy security_opt services_security_opt volumes volumes_from`,
    ),
    ...all('table of text', 'container_labels log_options services_tmpfs sysctls tmpfs ulimit volume_driver_ops'),
    ...all('table of lists of text', 'services_devices'),
  },
  referees: {
    metrics: {
      ...all('text', 'prometheus_address'),
      ...all('integer', 'query_interval'),
      ...all('list of text', 'queries'),
    },
  },
};

/** Keys of the top of the file, which gitlab-runner ignores in `[[runners]]`. */
export const topKeys = words(
  `check_interval concurrent connection_max_age listen_address log_format log_level sentry_dsn session_server
  shutdown_timeout user`,
);

/** Tables of `[[runners]]` for executors that we do not have. */
export const otherExecutors = words('autoscaler custom instance kubernetes machine parallels ssh virtualbox');

/**
 * Keys that only the program which waits for jobs all day heeds (`commands/multi.go`), and not `run-single`, by which
 * every runner of ours takes its one job.
 */
export const managerKeys = words(
  `experimental limit monitoring request_concurrency slot_cgroup_template strict_check_interval unhealthy_interval
  unhealthy_requests_limit use_slot_cgroups docker.service_slot_cgroup_template`,
);

/** Names in `feature_flags`; others are ignored. Source: https://docs.gitlab.com/runner/configuration/feature-flags/ */
export const featureFlags = words(
  `FF_CLEAN_UP_FAILED_CACHE_EXTRACT FF_CONCRETE FF_DISABLE_AUTOMATIC_TOKEN_ROTATION FF_DISABLE_POWERSHELL_STDIN
  FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR FF_ENABLE_BASH_EXIT_CODE_CHECK
  FF_ENABLE_JOB_CLEANUP FF_ENABLE_JOB_INPUTS_INTERPOLATION FF_EXPORT_HIGH_CARDINALITY_METRICS
  FF_GIT_URLS_WITHOUT_TOKENS FF_HASH_CACHE_KEYS FF_KUBERNETES_HONOR_ENTRYPOINT FF_LOG_IMAGES_CONFIGURED_FOR_JOB
  FF_MASK_ALL_DEFAULT_TOKENS FF_NETWORK_PER_BUILD FF_POSIXLY_CORRECT_ESCAPES FF_PRINT_POD_EVENTS
  FF_RESOLVE_FULL_TLS_CHAIN FF_SCRIPT_SECTIONS FF_SCRIPT_TO_STEP_MIGRATION FF_SECRET_RESOLVING_FAILS_IF_MISSING
  FF_SUSPENDABLE_ENVIRONMENTS FF_TIMESTAMPS FF_USE_ADAPTIVE_REQUEST_CONCURRENCY
  FF_USE_ADVANCED_POD_SPEC_CONFIGURATION FF_USE_DIRECT_DOWNLOAD FF_USE_DOCKER_AUTOSCALER_DIAL_STDIO
  FF_USE_DUMB_INIT_WITH_KUBERNETES_EXECUTOR FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL
  FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY FF_USE_FASTZIP FF_USE_FLEETING_ACQUIRE_HEARTBEATS
  FF_USE_GITALY_CORRELATION_ID FF_USE_GIT_BUNDLE_URIS FF_USE_GIT_NATIVE_CLONE FF_USE_GIT_PROACTIVE_AUTH
  FF_USE_INIT_WITH_DOCKER_EXECUTOR FF_USE_JOB_ROUTER FF_USE_LEGACY_BASH_EVAL FF_USE_LEGACY_GCS_CACHE_ADAPTER
  FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY FF_USE_LEGACY_S3_CACHE_ADAPTER FF_USE_NATIVE_CONTAINER_STOP
  FF_USE_PARALLEL_ARTIFACT_TRANSFER FF_USE_PARALLEL_CACHE_TRANSFER FF_USE_POD_ACTIVE_DEADLINE_SECONDS
  FF_USE_POWERSHELL_PATH_RESOLVER FF_USE_WINDOWS_JOB_OBJECT FF_USE_WINDOWS_LEGACY_PROCESS_STRATEGY
  FF_WAIT_FOR_POD_TO_BE_REACHABLE`,
);
