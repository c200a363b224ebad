"""A stub of GitLab for one runner: hands out one job, takes its log and its final state.

Usage: stub-gitlab.py FOLDER IMAGE COMMAND. Writes `port`, `trace` and `state` into the folder, and serves until it is killed.
Python's own library and no newer syntax than that of 3.9, which Amazon Linux 2023 has.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

folder, image, command = sys.argv[1:]
handed_out = []


def job():
    def variable(key, value):
        return {"key": key, "value": value, "public": True, "masked": False, "file": False}

    script = [command, 'echo "sum=$((40 + 2))"']
    return {
        "id": 1,
        "token": "fake-job-token",
        "allow_git_fetch": False,
        "job_info": {"id": 1, "name": "check", "stage": "test", "project_id": 1, "project_name": "check"},
        "git_info": {
            "repo_url": "http://127.0.0.1/check.git",
            "ref": "main",
            "sha": "0" * 40,
            "before_sha": "0" * 40,
            "ref_type": "branch",
            "refspecs": [],
            "depth": 1,
        },
        "runner_info": {"timeout": 240},
        "variables": [
            variable("GIT_STRATEGY", "none"),
            variable("CI_JOB_ID", "1"),
            variable("CI_PROJECT_ID", "1"),
            variable("CI_PROJECT_PATH", "check/check"),
            variable("CI_CONCURRENT_ID", "0"),
        ],
        "steps": [
            {"name": "script", "script": script, "timeout": 240, "when": "on_success", "allow_failure": False},
        ],
        "image": {"name": image, "entrypoint": [""]},
        "services": [],
        "artifacts": [],
        "cache": [],
        "credentials": [],
        "dependencies": [],
        "features": {"trace_sections": False, "failure_reasons": ["script_failure", "runner_system_failure"]},
    }


class GitLab(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.body()
        if self.path != "/api/v4/jobs/request":
            self.answer(404)
        elif handed_out:
            self.answer(204)
        else:
            handed_out.append(1)
            self.answer(201, job())

    def do_PATCH(self):
        data = self.body()
        start = int(self.headers.get("Content-Range", "0-0").split("-")[0])
        with open(os.path.join(folder, "trace"), "ab") as trace:
            trace.truncate(start)
            trace.write(data)
        self.answer(202, "ok", {"Job-Status": "running", "Range": "0-%d" % (start + len(data))})

    def do_PUT(self):
        state = json.loads(self.body()).get("state", "")
        if state in ("success", "failed"):
            with open(os.path.join(folder, "state"), "w") as file:
                file.write(state)
        self.answer(200, "200", {"Job-Status": state or "running"})

    def do_DELETE(self):
        self.body()
        self.answer(204)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status, value=None, headers=None):
        data = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


server = ThreadingHTTPServer(("127.0.0.1", 0), GitLab)
with open(os.path.join(folder, "port.new"), "w") as file:
    file.write(str(server.server_address[1]))
os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
server.serve_forever()
