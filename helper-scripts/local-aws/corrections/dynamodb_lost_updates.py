"""Two writers of one item do not overwrite each other.

AWS: every write of an item is atomic and sees the one before it.
MiniStack 1.5.33: answers HTTP calls on its event loop, but Step Functions' own `dynamodb:*` tasks run on the thread
of the execution, and nothing keeps the two apart: an update reads, is overtaken, and writes back what it had read. A
counter loses counts.
Source:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.AtomicCounters
"""

import threading

from ministack.services import dynamodb

from .patching import PatchTargetError, replace_function
from .probing import Aws

WRITES = ("_put_item", "_update_item", "_delete_item", "_batch_write_item", "_transact_write_items")
READS = ("_get_item", "_query", "_scan", "_batch_get_item", "_transact_get_items")

UPDATES_PER_WRITER = 60
# Copying an item this large takes long enough for the other writer to get in between.
BALLAST_ATTRIBUTES = 1500


def apply() -> None:
    """Lets one lock guard all reads and writes of items, those of the reaper of expired items included."""
    if not isinstance(dynamodb._lock, type(threading.Lock())):
        raise PatchTargetError("dynamodb._lock", "the lock of the reaper")
    dynamodb._lock = threading.RLock()
    for name in (*WRITES, *READS):
        replace_function(dynamodb, name, "data", _under_lock)


def _under_lock(operation):
    def locked(data):
        with dynamodb._lock:
            return operation(data)

    return locked


def probe(aws: Aws) -> bool:
    """A counter that a workflow and an HTTP client raise side by side has every count."""
    table = aws.table()
    client = aws.client("dynamodb")
    ballast = {f"ballast{number}": {"S": "x"} for number in range(BALLAST_ATTRIBUTES)}
    client.put_item(TableName=table, Item={"pk": {"S": "counter"}, "count": {"N": "0"}, **ballast})
    update = {
        "TableName": table,
        "Key": {"pk": {"S": "counter"}},
        "UpdateExpression": "ADD #count :one",
        "ExpressionAttributeNames": {"#count": "count"},
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    machine = aws.state_machine(
        {
            "Repeat": {
                "Type": "Map",
                "MaxConcurrency": 1,
                "End": True,
                "Items": list(range(UPDATES_PER_WRITER)),
                "Output": "done",
                "ItemProcessor": {
                    "StartAt": "Add",
                    "States": {
                        "Add": {
                            "Type": "Task",
                            "Resource": "arn:aws:states:::dynamodb:updateItem",
                            "Arguments": update,
                            "End": True,
                        }
                    },
                },
            }
        },
        "Repeat",
    )
    results = []
    workflows = [threading.Thread(target=lambda: results.append(aws.run(machine)["status"])) for _ in range(2)]
    for workflow in workflows:
        workflow.start()
    for _ in range(UPDATES_PER_WRITER):
        client.update_item(**update)
    for workflow in workflows:
        workflow.join()
    counted = client.get_item(TableName=table, Key={"pk": {"S": "counter"}})["Item"]["count"]["N"]
    return results == ["SUCCEEDED", "SUCCEEDED"] and int(counted) == 3 * UPDATES_PER_WRITER
