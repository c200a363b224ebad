"""A warm call of a Node function ends when the function has answered.

AWS: collecting the log takes no time of the caller.
MiniStack 1.5.33: after each call it looks for log lines and, when a function logged nothing, waits 50 ms for the
first. A job passes through a dozen functions, so that adds more than all of our code.
Source: measured; https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
"""

import queue
import time

from ministack.core import lambda_runtime

from .patching import expect_function, replace_text
from .probing import Aws, shortest_seconds

END_OF_LOG = "\x00end of log\x00"
# For workers that do not write the end mark (Python functions, a killed worker): what MiniStack waits for a first line.
PATIENCE_SECONDS = 0.05
# The end mark of a worker that lives always comes, on a busy machine a moment after the answer.
PATIENCE_FOR_MARK_SECONDS = 10


def apply() -> None:
    """Lets the worker mark the end of its log just before it answers, and reads up to that mark."""
    replace_text(
        lambda_runtime,
        "_NODEJS_WORKER_SCRIPT",
        "const _realStdoutWrite = process.stdout.write.bind(process.stdout);\n",
        "const _writeAnswer = process.stdout.write.bind(process.stdout);\n"
        "// The first line of a worker's life is its initialization, whose log belongs to the first call.\n"
        "const _realStdoutWrite = (text) => {\n"
        f'  if (lineNum > 1) _stderrWrite({END_OF_LOG!r} + "\\n");\n'
        "  return _writeAnswer(text);\n"
        "};\n",
    )
    expect_function(lambda_runtime.Worker, "_drain_stderr_bounded", "self, first_line_wait, idle_confirm, hard_cap")
    lambda_runtime.Worker._drain_stderr_bounded = _read_log


def _read_log(worker) -> str:
    lines = []
    marks_its_end = worker.config.get("Runtime", "").startswith("nodejs")
    end = time.monotonic() + (PATIENCE_FOR_MARK_SECONDS if marks_its_end else PATIENCE_SECONDS)
    while time.monotonic() < end:
        try:
            line = worker._stderr_queue.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            if marks_its_end and worker._proc is not None and worker._proc.poll() is None:
                continue
            break
        if line.endswith(END_OF_LOG):
            # A last line without a line break shares its line with the mark.
            lines += [line.removesuffix(END_OF_LOG)] if line != END_OF_LOG else []
            break
        lines.append(line)
    return "\n".join(lines)


def probe(aws: Aws) -> bool:
    """The fastest of many warm calls of a silent function shows no wait for a first line, and no log line goes astray."""
    client = aws.client("lambda")
    silent = aws.node_function("export const handler = async () => 'done';")
    client.invoke(FunctionName=silent)
    fastest = shortest_seconds(lambda: client.invoke(FunctionName=silent), times=40)

    talkative = aws.node_function("export const handler = async (n) => { console.log(`line ${n}`); return n; };")
    for number in range(5):
        client.invoke(FunctionName=talkative, Payload=str(number))
    events = aws.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{talkative}")["events"]
    logs = "\n".join(event["message"].strip() for event in events).split("START RequestId: ")[1:]
    lines = [[line for line in log.splitlines() if line.startswith("line ")] for log in logs]
    return fastest < PATIENCE_SECONDS and lines == [[f"line {number}"] for number in range(5)]
