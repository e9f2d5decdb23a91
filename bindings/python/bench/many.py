"""Many downloads through Python as a command for measurements: what benches/many.c does in C.

    many.py ENDPOINT BUCKET KEY COUNT DIRECTORY

Downloads the object COUNT times, to the files 0, 1, ... in DIRECTORY, without a flush. Prints "microseconds N": the
time without the start of Python and the import.
"""

import sys
import time

import oss_resumable


def main(endpoint, bucket, key, count, directory):
    """Runs the downloads."""
    start = time.perf_counter()
    requests = [oss_resumable.Request(bucket, key, f"{directory}/{i}", flush=False) for i in range(int(count))]
    with oss_resumable.Client(endpoint, anonymous=True) as client:
        client.download_many(requests)
    print("microseconds", int((time.perf_counter() - start) * 1e6))


main(*sys.argv[1:])
