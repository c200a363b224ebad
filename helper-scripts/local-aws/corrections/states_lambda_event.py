"""A workflow that calls a function with `InvocationType: Event` does not wait for it.

AWS: the task `lambda:invoke` with `InvocationType` `Event` succeeds with status 202 as soon as the call is queued;
the function's retries and its on-failure destination apply.
MiniStack 1.5.33: ignores `InvocationType` and runs the function to its end inside the task.
Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
"""

import time

from ministack.services import lambda_svc, stepfunctions

from .patching import expect_function, replace_function
from .probing import Aws

SLOW_SECONDS = 2


def apply() -> None:
    """Hands such a task to the queue of asynchronous calls."""
    expect_function(lambda_svc, "_get_func_record_for_ref", "function_ref")
    expect_function(lambda_svc, "_execution_record_for_config", "func, config")
    expect_function(lambda_svc, "invoke_async_with_retry", "func, event")
    expect_function(stepfunctions, "_resolve_lambda_function_ref", "value, optimized")
    replace_function(stepfunctions, "_invoke_resource", "resource, input_data", _queue_events)


def _queue_events(invoke):
    def invoke_resource(resource, input_data):
        is_event = isinstance(input_data, dict) and input_data.get("InvocationType") == "Event"
        if "states:::lambda:invoke" not in resource or not is_event:
            return invoke(resource, input_data)
        reference = stepfunctions._resolve_lambda_function_ref(input_data.get("FunctionName", ""), optimized=True)
        function, config, name = lambda_svc._get_func_record_for_ref(reference)
        if not function:
            raise stepfunctions._ExecutionError("Lambda.ResourceNotFoundException", f"Function not found: {name}")
        record = lambda_svc._execution_record_for_config(function, config)
        lambda_svc.invoke_async_with_retry(record, input_data.get("Payload"))
        return {"ExecutedVersion": "$LATEST", "Payload": {}, "StatusCode": 202}

    return invoke_resource


def probe(aws: Aws) -> bool:
    """A workflow that calls a function of two seconds is over before the function is."""
    name = aws.node_function(f"export const handler = () => new Promise((r) => setTimeout(r, {SLOW_SECONDS * 1000}));")
    machine = aws.state_machine(
        {
            "Call": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "End": True,
                "Arguments": {"FunctionName": name, "InvocationType": "Event", "Payload": {}},
                "Output": "{% $states.result.StatusCode %}",
            }
        },
        "Call",
    )
    start = time.monotonic()
    result = aws.run(machine)
    return result["output"] == 202 and time.monotonic() - start < SLOW_SECONDS
