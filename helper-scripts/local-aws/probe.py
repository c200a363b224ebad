"""Asks a running local AWS which corrections are in force; prints `{name: true | false | "error"}` as JSON.

    python probe.py --endpoint http://127.0.0.1:4566 --pid 1234 [--only name ...]

The process id is needed by the probes of IAM, which switch enforcement on for a moment.
"""

import argparse
import json
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import corrections
from botocore.exceptions import ClientError
from corrections.probing import Aws, StackFailedError


def main() -> None:
    """Runs the probes; most of their time is waiting, so several at once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--pid", type=int)
    parser.add_argument("--region", default="eu-west-1")
    parser.add_argument("--only", nargs="*", default=corrections.NAMES)
    options = parser.parse_args()

    def ask(name: str) -> bool | str:
        return _ask(name, Aws(options.endpoint, options.region, options.pid))

    # Those of IAM change what all others see, so they come last, one by one.
    alone = [name for name in options.only if name.startswith("iam_")]
    together = [name for name in options.only if name not in alone]
    with ThreadPoolExecutor(max_workers=4) as pool:
        answers = dict(zip(together, pool.map(ask, together), strict=True))
    answers |= {name: ask(name) for name in alone}
    json.dump(answers, sys.stdout, indent=2)
    print()


def _ask(name: str, aws: Aws) -> bool | str:
    start = time.perf_counter()
    try:
        answer: bool | str = corrections.load(name).probe(aws)
    except (ClientError, StackFailedError) as refusal:
        # An uncorrected server refuses what a probe asks for.
        print(f"{name}: {refusal}", file=sys.stderr)
        answer = False
    except Exception as error:  # The other probes shall still be asked.
        traceback.print_exc()
        answer = f"{type(error).__name__}: {error}"
    finally:
        aws.close()
    print(f"{name}: {answer} after {time.perf_counter() - start:.2f} s", file=sys.stderr)
    return answer


if __name__ == "__main__":
    main()
