"""Starts the local AWS: MiniStack with our corrections, or with `--stock` as it comes.

MiniStack's own environment variables apply (GATEWAY_PORT, LAMBDA_WARM_TTL_SECONDS, PERSIST_STATE, NODE_PATH, ...);
only `BIND_HOST` has another default here, 127.0.0.1. SIGUSR1 switches IAM enforcement on and off. SIGTERM and SIGINT
end the server and every worker process; so does the end of standard input with `--end-with-stdin`, which is how it
notices that its parent was killed.
"""

import argparse
import importlib.metadata
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

PIN = "ministack=="
# What a worker that is busy when IAM enforcement is switched may still take: the longest run of a Lambda function.
BUSY_SECONDS = 900
# A connection that its client keeps open must not hold the end up.
GRACE_SECONDS = 0.3


def main() -> None:
    """Runs the server until a signal, or the end of standard input, ends it."""
    parser = argparse.ArgumentParser(description="MiniStack with corrections")
    parser.add_argument("--stock", action="store_true", help="start MiniStack without the corrections")
    parser.add_argument("--end-with-stdin", action="store_true", help="end when standard input ends")
    options = parser.parse_args()
    os.environ.setdefault("BIND_HOST", "127.0.0.1")
    # The host of the URLs that it gives out, such as those of queues.
    os.environ.setdefault("MINISTACK_HOST", "127.0.0.1")
    # Listeners on fixed ports that nothing here uses.
    os.environ.setdefault("IOT_MTLS_ENABLED", "0")
    os.environ.setdefault("SFTP_ENABLED", "0")
    _expect_pinned_version()
    # From here on the arguments are MiniStack's, which has its own.
    sys.argv = sys.argv[:1]

    import hypercorn.config
    from ministack import app

    hypercorn.config.Config.graceful_timeout = GRACE_SECONDS
    if not options.stock:
        import corrections

        for name in corrections.NAMES:
            corrections.load(name).apply()
    signal.signal(signal.SIGUSR1, lambda *_: threading.Thread(target=_switch_iam, daemon=True).start())
    if options.end_with_stdin:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    _end(_serve(app.main))


def _serve(serve: Callable[[], None]) -> int:
    """Serves to the end and returns the exit code, which MiniStack states by an exception."""
    try:
        serve()
    except (KeyboardInterrupt, SystemExit) as end:
        return end.code if isinstance(end, SystemExit) and isinstance(end.code, int) else 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _expect_pinned_version() -> None:
    requirements = Path(__file__).with_name("requirements.txt").read_text().splitlines()
    pinned = next(line.removeprefix(PIN) for line in requirements if line.startswith(PIN))
    installed = importlib.metadata.version("ministack")
    if installed != pinned:
        sys.exit(f"MiniStack {installed} is installed, requirements.txt asks for {pinned}: run pip install -r again")


def _switch_iam() -> None:
    """Workers get their credentials when they start, so those that started under the other rule go."""
    from ministack import app
    from ministack.core import lambda_runtime

    with lambda_runtime._lock:
        app.AUTH = not app.AUTH
        workers = [worker for pool in lambda_runtime._workers.values() for worker in pool]
        lambda_runtime._workers.clear()
    print(f"IAM enforcement is {'on' if app.AUTH else 'off'}", flush=True)
    end = time.monotonic() + BUSY_SECONDS
    while workers and time.monotonic() < end:
        idle = [worker for worker in workers if not worker.in_use]
        lambda_runtime.kill_workers(idle)
        workers = [worker for worker in workers if worker.in_use]
        time.sleep(0.1 if workers else 0)


def _end_with_stdin() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _end(exit_code: int) -> NoReturn:
    """Ends the function processes, and whatever they started if this process leads a group of its own."""
    from ministack.core import lambda_runtime

    lambda_runtime.reset()
    if os.getpgrp() == os.getpid():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)
    sys.stdout.flush()
    sys.stderr.flush()
    # Not `sys.exit`: threads of calls that still wait for a function would hold the process.
    os._exit(exit_code)


if __name__ == "__main__":
    main()
