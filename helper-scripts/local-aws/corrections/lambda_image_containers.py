"""A function of a container image runs in a container that shares the machine's network.

AWS: an image's function asks the runtime API at AWS_LAMBDA_RUNTIME_API for its events, runs as a user without rights,
and may write to /tmp only.
MiniStack 1.5.33: needs a Python package that it does not bring along, and reaches a container through a published
port, which no container has that shares the machine's network. On any other network it reaches neither this server nor
a GitLab on the loopback.
So such a function is taken for one of a custom runtime, whose program is the container engine: MiniStack starts and
ends it, and serves its runtime API. The engine's command is LOCAL_CONTAINER_ENGINE (`docker`), more flags of its `run`
are LAMBDA_DOCKER_FLAGS; the image must be there, nothing is pulled. An `ImageConfig` is not looked at.
Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html,
https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#images-reqs
"""

import json
import os
import shlex
from typing import Any

from ministack.services import lambda_svc

from .patching import expect_function, replace_function
from .probing import ACCOUNT_ROLE, Aws, new_name, zip_of

# By this label whoever started the server finds containers that outlived it; the value is the server's port.
LABEL = "gitlab-runners-on-demand.local"
# A user that no image has in /etc/passwd, as in Lambda.
USER = "10993:10990"
RUNTIME_VARIABLES = (
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_LOG_STREAM_NAME",
)


def apply() -> None:
    """Gives functions of images to the executor of custom runtimes."""
    expect_function(lambda_svc, "_execute_function_provided_warm", "func, event, request_id")
    replace_function(lambda_svc, "_execute_function_docker", "func, event, request_id", _run_images)


def _run_images(execute):
    def execute_docker(func, event, request_id):
        config = func.get("config") or func
        if config.get("PackageType") != "Image":
            return execute(func, event, request_id)
        runtime = {**config, "Runtime": "provided.al2023"}
        package = zip_of({"bootstrap": _bootstrap(config)})
        return lambda_svc._execute_function_provided_warm(
            {**func, "config": runtime, "code_zip": package}, event, request_id
        )

    return execute_docker


def _bootstrap(config: dict[str, Any]) -> str:
    """The program of the runtime. The engine's client may be killed without its container, so a signal removes that."""
    engine = shlex.quote(os.environ.get("LOCAL_CONTAINER_ENGINE") or "docker")
    port = os.environ["GATEWAY_PORT"]
    megabytes = (config.get("EphemeralStorage") or {}).get("Size", 512)
    own = (config.get("Environment") or {}).get("Variables") or {}
    # Values come from the environment: a command line can be read by anybody on this machine.
    variables = [f"--env={name}" for name in dict.fromkeys([*RUNTIME_VARIABLES, *own])]
    arguments = shlex.join(
        [
            # No `--init`: its process would show jobs the environment that the function's own process hides from them.
            *("--rm", "--pull=never", f"--label={LABEL}={port}", f"--user={USER}"),
            *("--read-only", f"--tmpfs=/tmp:rw,exec,nosuid,nodev,mode=1777,size={megabytes}m"),
            *variables,
            *shlex.split(os.environ.get("LAMBDA_DOCKER_FLAGS") or "--network=host"),
            config["ImageUri"],
        ]
    )
    return f"""#!/bin/sh
export AWS_ENDPOINT_URL=http://127.0.0.1:{port}
container={LABEL}-{port}-$$
trap '{engine} rm --force "$container" >/dev/null 2>&1' TERM INT
{engine} run --name "$container" {arguments} &
wait $!
"""


def probe(aws: Aws) -> bool:
    """The image `echo` (the server's LOCAL_CONTAINER_ENGINE has one, or acts as if) answers with its event and variable."""
    client = aws.client("lambda")
    name = new_name()
    client.create_function(
        FunctionName=name,
        PackageType="Image",
        Code={"ImageUri": "echo"},
        Role=ACCOUNT_ROLE,
        Timeout=20,
        Environment={"Variables": {"GREETING": "hello"}},
    )
    try:
        answer = client.invoke(FunctionName=name, Payload=json.dumps({"number": 7}))
        return json.loads(answer["Payload"].read()) == {"event": {"number": 7}, "greeting": "hello"}
    finally:
        client.delete_function(FunctionName=name)
