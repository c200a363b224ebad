"""A Node function's error keeps its name, and does not cost its execution environment.

AWS: a rejected promise is answered with `{errorType: err.name, errorMessage, trace}`; Step Functions matches `Catch`
and `Retry` on `errorType`, and the environment serves the next call.
MiniStack 1.5.33: `errorType` is always `Runtime.HandlerError`, there is no trace, and the worker process is ended
after each error, so that every call after a refusal is a cold one.
Source: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html
"""

import json
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from .patching import replace_function, replace_text
from .probing import Aws

# As the runtime interface client of AWS describes an error (a class may override `name`; anything can be thrown).
DESCRIBE_FAILURE = """
const describeFailure = (thrown) => thrown instanceof Error || (thrown && thrown.name && thrown.message)
  ? { errorType: thrown.name, errorMessage: String(thrown.message), trace: String(thrown.stack || "").split("\\n") }
  : { errorType: typeof thrown, errorMessage: String(thrown), trace: [] };
let handlerFn = null;
"""


class HandlerFailure(dict[str, Any]):
    """The answer of a function that threw, on its way from the worker to whoever called."""


def apply() -> None:
    """Lets the worker report a thrown error as an answer, and marks that answer as the error that it is."""
    script = "_NODEJS_WORKER_SCRIPT"
    replace_text(lambda_runtime, script, "\nlet handlerFn = null;\n", DESCRIBE_FAILURE)
    replace_text(
        lambda_runtime,
        script,
        'status: "error", error: String(err.message || err), trace: err.stack || ""',
        'status: "ok", failure: describeFailure(err)',
    )
    replace_text(
        lambda_runtime,
        script,
        'status: "error", error: e.message, trace: e.stack\n',
        'status: "ok", failure: describeFailure(e)\n',
    )
    replace_function(
        lambda_runtime.Worker,
        "invoke",
        "self, event, request_id, trace_id, depth, durable, invoked_function_arn",
        _report_failure_as_result,
    )
    replace_function(lambda_svc, "_execute_function_warm", "func, event, request_id", _mark_failure_as_error)


def _report_failure_as_result(invoke):
    def invoke_worker(self, *arguments, **named):
        response = invoke(self, *arguments, **named)
        if "failure" in response:
            response["result"] = HandlerFailure(response.pop("failure"))
        return response

    return invoke_worker


def _mark_failure_as_error(execute):
    def execute_warm(func, event, request_id):
        outcome = execute(func, event, request_id)
        failure = outcome.get("body")
        if isinstance(failure, HandlerFailure):
            outcome["error"] = True
            outcome["log"] = "\n".join(filter(None, [outcome.get("log"), *failure["trace"]]))
        return outcome

    return execute_warm


def probe(aws: Aws) -> bool:
    """A thrown error arrives with its own name and a trace, and the process that threw it answers the next call."""
    name = aws.node_function("""
        class NoRunnerError extends Error { name = 'NoRunnerError'; }
        export const handler = async (event) => {
          if (event.fail) throw new NoRunnerError('none left');
          return process.pid;
        };""")
    client = aws.client("lambda")

    def call(event):
        answer = client.invoke(FunctionName=name, Payload=json.dumps(event))
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    _, process_before = call({})
    failed, error = call({"fail": True})
    _, process_after = call({})
    return (
        failed == "Unhandled"
        and (error["errorType"], error["errorMessage"]) == ("NoRunnerError", "none left")
        and error["trace"][0] == "NoRunnerError: none left"
        and process_after == process_before
    )
