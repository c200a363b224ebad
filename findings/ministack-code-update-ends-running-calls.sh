#!/usr/bin/env bash
# ministack 1.5.33, Lambda: UpdateFunctionCode while a call of the function is under way.
#
# Expected, as on AWS: the call goes on in its execution environment with the old code, and the next one gets the new.
# Seen: the process of the call under way is ended with the update. A synchronous caller gets FunctionError
# "Unhandled" and {"errorMessage": "Worker process died", "errorType": "Runtime.HandlerError"}; an asynchronous call is tried again
# or lost. Whoever tests a deployment over a running system sees failures there that AWS does not have.
#
# Exits with 0 as long as that is so. Needs python3 with venv, and node on the PATH.
set -euo pipefail

folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check 'ministack==1.5.33' 'boto3==1.43.106'

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
GATEWAY_PORT=$port MINISTACK_HOST=127.0.0.1 python/bin/ministack >server.log 2>&1 &
server=$!

cat >probe.py <<'PY'
import io
import json
import sys
import threading
import time
import zipfile

import boto3
from botocore.config import Config

endpoint = sys.argv[1]
client = boto3.client(
    "lambda",
    endpoint_url=endpoint,
    region_name="eu-west-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
    config=Config(retries={"total_max_attempts": 1}),
)


def archive(code):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("index.mjs", code)
    return content.getvalue()


for _ in range(100):
    try:
        client.list_functions()
        break
    except Exception:
        time.sleep(0.2)

slow = "export const handler = async () => { await new Promise((done) => setTimeout(done, 4000)); return 'old'; };"
client.create_function(
    FunctionName="sample",
    Runtime="nodejs22.x",
    Handler="index.handler",
    Role="arn:aws:iam::000000000000:role/sample",
    Code={"ZipFile": archive(slow)},
    Timeout=30,
)
client.get_waiter("function_active_v2").wait(FunctionName="sample")
answers = {}


def call(name):
    answer = client.invoke(FunctionName="sample")
    answers[name] = (answer.get("FunctionError"), json.loads(answer["Payload"].read()))


under_way = threading.Thread(target=call, args=["under way"])
under_way.start()
time.sleep(2)
client.update_function_code(FunctionName="sample", ZipFile=archive("export const handler = async () => 'new';"))
under_way.join()
client.get_waiter("function_updated_v2").wait(FunctionName="sample")
call("afterwards")
for name, (failed, payload) in answers.items():
    print(f"{name}: FunctionError={failed} payload={json.dumps(payload)}")
failed, payload = answers["under way"]
seen = failed == "Unhandled" and "Worker process died" in payload["errorMessage"]
sys.exit(0 if seen and answers["afterwards"] == (None, "new") else 1)
PY
python/bin/python probe.py "http://127.0.0.1:$port"
