"""A call of a function that is under way ends by itself, whatever becomes of the function meanwhile.

AWS: new code is for the calls that come; what runs goes on in its execution environment, and ends there. So does what
runs beside a call that broke its environment.
MiniStack 1.5.33: an update of the code, and a call whose process died, end the processes of all calls of the function.
Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import json
import threading
import time

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from .patching import replace_function, replace_source
from .probing import Aws, zip_of


def apply() -> None:
    """Ends a process in use when its call gives it back."""
    lambda_runtime.only_idle = _only_idle
    replace_source(lambda_runtime, "invalidate_worker", "kill_workers(doomed)", "kill_workers(only_idle(doomed))")
    lambda_svc.invalidate_worker = lambda_runtime.invalidate_worker
    replace_function(lambda_runtime, "release_worker", "worker", _end_outdated)
    lambda_svc.release_worker = lambda_runtime.release_worker


def _only_idle(workers):
    with lambda_runtime._lock:
        for worker in workers:
            worker.is_outdated = True
        return [worker for worker in workers if not worker.in_use]


def _end_outdated(release):
    def release_worker(worker):
        release(worker)
        if getattr(worker, "is_outdated", False):
            lambda_runtime.kill_workers([worker])

    return release_worker


def probe(aws: Aws) -> bool:
    """A call that waits while the code changes answers as the old code does, and the next one as the new."""
    name = aws.node_function("""
        export const handler = async ({ milliseconds }) => {
          await new Promise((resolve) => setTimeout(resolve, milliseconds));
          return 'old';
        };""")
    client = aws.client("lambda")
    answers: list[object] = []

    def call(milliseconds: int) -> None:
        answer = client.invoke(FunctionName=name, Payload=json.dumps({"milliseconds": milliseconds}))
        answers.append(json.loads(answer["Payload"].read()))

    call(0)
    under_way = threading.Thread(target=call, args=[1_500])
    under_way.start()
    time.sleep(0.5)
    archive = zip_of({"index.mjs": "export const handler = async () => 'new';"})
    client.update_function_code(FunctionName=name, ZipFile=archive)
    under_way.join()
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    call(0)
    return answers == ["old", "old", "new"]
