"""What the probes need: clients, and the smallest function, workflow, stack and queue to try things on."""

import functools
import io
import json
import os
import signal
import threading
import time
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import botocore.session
from botocore.client import BaseClient
from botocore.config import Config

T = TypeVar("T")
PATIENCE_SECONDS = 20
ROOT = {"AccessKeyId": "test", "SecretAccessKey": "test", "SessionToken": None}
ACCOUNT_ROLE = "arn:aws:iam::000000000000:role/probe"
_session = botocore.session.get_session()
_session_lock = threading.Lock()


class StackFailedError(Exception):
    """CloudFormation refused a template or rolled a stack back; the text is its reason."""


@functools.cache
def create_client(
    endpoint: str, region: str, service: str, access_key: str, secret_key: str, token: str | None
) -> BaseClient:
    """A client, made once: reading the model of a service takes longer than most probes."""
    with _session_lock:
        return _session.create_client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}, inject_host_prefix=False),
        )


class Aws:
    """A local AWS as its users see it, through HTTP; `process_id` is needed only to switch IAM enforcement."""

    def __init__(self, endpoint: str, region: str = "eu-west-1", process_id: int | None = None) -> None:
        self.endpoint = endpoint
        self.region = region
        self.process_id = process_id
        self._undo: list[Callable[[], Any]] = []

    def client(self, service: str, credentials: dict[str, str] | None = None) -> BaseClient:
        """A client of one service, as the account's root unless credentials (as STS returns them) are given."""
        keys = credentials or ROOT
        return create_client(
            self.endpoint, self.region, service, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
        )

    def close(self) -> None:
        """Removes what the probes created, newest first."""
        while self._undo:
            self._undo.pop()()

    def node_function(self, code: str, role: str = ACCOUNT_ROLE, **settings: Any) -> str:
        """Creates a Node function from the text of its `index.mjs` and returns its name."""
        client = self.client("lambda")
        name = new_name()
        client.create_function(
            FunctionName=name,
            Runtime="nodejs24.x",
            Handler="index.handler",
            Role=role,
            Code={"ZipFile": zip_of({"index.mjs": code})},
            Timeout=20,
            **settings,
        )
        self._undo.append(lambda: client.delete_function(FunctionName=name))
        return name

    def state_machine(self, states: dict[str, Any], start_at: str) -> str:
        """Creates an express workflow in JSONata and returns its ARN."""
        client = self.client("stepfunctions")
        definition = {"QueryLanguage": "JSONata", "StartAt": start_at, "States": states}
        arn = client.create_state_machine(
            name=new_name(), type="EXPRESS", roleArn=ACCOUNT_ROLE, definition=json.dumps(definition)
        )["stateMachineArn"]
        self._undo.append(lambda: client.delete_state_machine(stateMachineArn=arn))
        return arn

    def run(self, state_machine_arn: str, state: Any = None) -> dict[str, Any]:
        """Runs a workflow to its end: `status`, `output` (parsed), and `error` of a failed one."""
        result = self.client("stepfunctions").start_sync_execution(
            stateMachineArn=state_machine_arn, input=json.dumps(state or {})
        )
        return {**result, "output": json.loads(result.get("output") or "null")}

    def queue(self) -> str:
        """Creates a queue and returns its URL."""
        client = self.client("sqs")
        url = client.create_queue(QueueName=new_name())["QueueUrl"]
        self._undo.append(lambda: client.delete_queue(QueueUrl=url))
        return url

    def queue_arn(self, url: str) -> str:
        """The ARN of a queue."""
        answer = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return answer["Attributes"]["QueueArn"]

    def drain(self, url: str) -> list[Any]:
        """Takes everything out of a queue and returns the bodies, parsed."""
        client = self.client("sqs")
        bodies = []
        while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.append(json.loads(message["Body"]))
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def table(self) -> str:
        """Creates a table with the key `pk` and returns its name."""
        client = self.client("dynamodb")
        name = new_name()
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        self._undo.append(lambda: client.delete_table(TableName=name))
        return name

    def deploy(self, resources: dict[str, Any], outputs: dict[str, Any] | None = None) -> dict[str, str]:
        """Creates a stack and returns its outputs; raises `StackFailedError` with CloudFormation's reason."""
        client = self.client("cloudformation")
        template = {
            "Resources": resources,
            "Outputs": {name: {"Value": value} for name, value in (outputs or {}).items()},
        }
        name = new_name()
        try:
            client.create_stack(
                StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"]
            )
        except client.exceptions.ClientError as refusal:
            raise StackFailedError(str(refusal)) from refusal
        self._undo.append(lambda: client.delete_stack(StackName=name))

        def settled() -> dict[str, Any] | None:
            stack = client.describe_stacks(StackName=name)["Stacks"][0]
            return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

        stack = wait_for(settled)
        if stack["StackStatus"] != "CREATE_COMPLETE":
            raise StackFailedError(stack.get("StackStatusReason", stack["StackStatus"]))
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def role(self, policy: dict[str, Any], service: str) -> str:
        """Creates a role with one inline policy that a service may assume, and returns its ARN."""
        client = self.client("iam")
        name = new_name()
        trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
        arn = client.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        client.put_role_policy(RoleName=name, PolicyName="probe", PolicyDocument=json.dumps(policy))
        return arn

    def assume(self, role_arn: str, session_name: str = "probe") -> dict[str, str]:
        """Credentials of a role, as STS returns them."""
        return self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName=session_name)["Credentials"]

    def iam_is_enforced(self) -> bool:
        """Whether the server evaluates policies at this moment."""
        with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=PATIENCE_SECONDS) as answer:
            return json.load(answer)["auth"] == "enabled"

    @contextmanager
    def enforced_iam(self) -> Iterator[None]:
        """Switches IAM enforcement on for the length of a `with` block."""
        self._switch_iam(True)
        try:
            yield
        finally:
            self._switch_iam(False)

    def _switch_iam(self, on: bool) -> None:
        if self.iam_is_enforced() != on:
            if self.process_id is None:
                raise ValueError("probing IAM needs the process id of the server, which is told by a signal")
            os.kill(self.process_id, signal.SIGUSR1)
            wait_for(lambda: self.iam_is_enforced() == on)


def new_name() -> str:
    """A name that nothing else has."""
    return f"probe-{uuid.uuid4().hex[:12]}"


def zip_of(files: dict[str, str]) -> bytes:
    """A zip archive of texts by file name."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        for name, text in files.items():
            target.writestr(name, text)
    return archive.getvalue()


def wait_for(look: Callable[[], T | None], seconds: float = PATIENCE_SECONDS) -> T:
    """Looks until something is there and returns it; raises `TimeoutError` when that takes too long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    raise TimeoutError(f"nothing came within {seconds} s")


def shortest_seconds(act: Callable[[], Any], times: int) -> float:
    """The shortest of several runs: what an act costs when nothing else is going on, so that a fixed delay shows."""
    durations = []
    for _ in range(times):
        start = time.perf_counter()
        act()
        durations.append(time.perf_counter() - start)
    return min(durations)
