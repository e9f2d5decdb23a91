"""One download through Python as a command for measurements: what benches/download.c does in C.

    download.py ENDPOINT BUCKET KEY FILE CHECKPOINT_DIR

Without a flush, and with a progress callable. Prints "microseconds N": the time without the start of Python and the
import.
"""

import sys
import time

import oss_resumable


def main(endpoint, bucket, key, file_path, checkpoint_dir):
    """Runs the download."""
    start = time.perf_counter()
    with oss_resumable.Client(endpoint, anonymous=True) as client:
        client.download(bucket, key, file_path, checkpoint_dir=checkpoint_dir, flush=False, progress=str)
    print("microseconds", int((time.perf_counter() - start) * 1e6))


main(*sys.argv[1:])
