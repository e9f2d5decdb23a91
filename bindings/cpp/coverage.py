"""Prints what the C++ headers wrap of the C header, read from their syntax tree."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bindings"))

from header import cpp_headers, model

AS_IT_IS = "it is in the C header, which the C++ headers include, and "
EXCEPTIONS = {
    "*.struct_size": "the initialiser of the C header sets it",
    "*.reserved*": "it must be zero",
    "oss_resumable_version": AS_IT_IS + "needs no object",
    "oss_resumable_code_name": AS_IT_IS + "needs no object",
    "oss_resumable_download_prefix": "Client::DownloadPrefix starts the download and waits for it",
    "OSS_RESUMABLE_VERSION_*": AS_IT_IS + "is for the preprocessor",
    "OSS_RESUMABLE_DEFAULT_MAX_*": "zero in the configuration is this default",
    "OSS_RESUMABLE_M??_PART_SIZE": AS_IT_IS + "is a limit that the library checks",
    "OSS_RESUMABLE_MAX_THREAD_NUM": AS_IT_IS + "is a limit that the library checks",
    "OSS_RESUMABLE_LOG_*": AS_IT_IS + "is a number in the configuration and in its callback",
    "OSS_RESUMABLE_RETRY_STOP": AS_IT_IS + "is a number that a callback returns",
    "OSS_RESUMABLE_ERR_*": AS_IT_IS + "Error::Kind() returns it",
    "OSS_RESUMABLE_END_OF_LIST": "Listing::Next() returns false",
    "OSS_RESUMABLE_OBJECTS_FAILED": "PrefixOutcome::isSuccess() returns false and hasResult() true",
    "OSS_RESUMABLE_END_*": AS_IT_IS + "is a number in the record of a trace, which is that of C",
    "OSS_RESUMABLE_EVENT_*": AS_IT_IS + "is a number in an event, which is that of C",
    "OSS_RESUMABLE_PHASE_*": AS_IT_IS + "is a number in a status, which is that of C",
    "OSS_RESUMABLE_PREFIX_PHASE_*": AS_IT_IS + "is a number in a status, which is that of C",
    "OSS_RESUMABLE_PROOF_*": AS_IT_IS + "Result::Proof() returns it",
    "OSS_RESUMABLE_OBJECT_*": AS_IT_IS + "is a number in PrefixObject",
    "OSS_RESUMABLE_ENTRY_OBJECT": "ObjectEntry::IsCommonPrefix is false",
}


def main():
    include = ROOT / "include"
    header = model.read(include / "oss_resumable/oss_resumable.h")
    print(json.dumps({"binding": "C++", "exceptions": EXCEPTIONS, **cpp_headers.coverage(header, include)}))


if __name__ == "__main__":
    main()
