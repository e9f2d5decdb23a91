#!/usr/bin/env bash
# Compiles each header alone and included twice, the public ones in every language standard that programs may use, and
# with them the initialisers of the C API's structs.
#
#   headers.sh INCLUDE-DIRECTORY C-COMPILER C++-COMPILER SDK-INCLUDE-DIRECTORY SDK-V2-INCLUDE-DIRECTORY
set -uo pipefail
include=$1 cc=$2 cxx=$3 sdk=$4 sdk_v2=$5
failed=0 compiled=0

# Compiles standard input.
compile() {
    "$@" -Wall -Wextra -pedantic -Wundef -Wshadow -Wconversion -Wmissing-field-initializers -Werror \
        -I"$include" -isystem "$sdk" -isystem "$sdk_v2" -fsyntax-only -
}

check() {
    local header=$1
    shift
    if ! printf '#include <oss_resumable/%s>\n#include <oss_resumable/%s>\n' "$header" "$header" | compile "$@"; then
        echo "FAILED: $header with $*"
        failed=1
    fi
    compiled=$((compiled + 1))
}

# The size-first structs of the C API.
size_first_structs() {
    awk '/^typedef struct .* \{$/ { name = $3 }
        name && /^    [a-z].*;$/ { if ($0 == "    size_t struct_size;") print name; name = "" }' \
        "$include/oss_resumable/oss_resumable.h"
}

# A function that initialises objects of every storage class and kind with the initialiser of a struct.
initialised() {
    sed "s/STRUCT/$1/g; s/INIT/${1^^}_INIT/g" <<'END'
struct STRUCT_holder {
    int before;
    STRUCT held;
};
int STRUCT_test(const STRUCT *given);
int STRUCT_test(const STRUCT *given) {
    static STRUCT kept = INIT;
    static const STRUCT constant = INIT;
    static const STRUCT array[] = {INIT, INIT};
    static const struct STRUCT_holder nested = {1, INIT};
    STRUCT automatic = INIT;
    const STRUCT automatic_constant = INIT;
#ifdef __cplusplus
    constexpr STRUCT known = INIT;
    const STRUCT list INIT;
    const STRUCT made = STRUCT(INIT);
    static_assert(known.struct_size == sizeof(STRUCT), "the size");
    automatic = INIT;
#else
    const STRUCT list = INIT, known = INIT, made = (STRUCT)INIT;
    automatic = (STRUCT)INIT;
#endif
    kept = *given;
    return kept.struct_size + constant.struct_size + array[1].struct_size + nested.held.struct_size +
               automatic.struct_size + automatic_constant.struct_size + known.struct_size + list.struct_size +
               made.struct_size ==
           9 * sizeof(STRUCT);
}
END
}

check_initialisers() {
    if ! {
        echo '#include <oss_resumable/oss_resumable.h>'
        for name in $structs; do initialised "$name"; done
    } | compile "$@"; then
        echo "FAILED: the initialisers with $*"
        failed=1
    fi
    compiled=$((compiled + 1))
}

# A mistake in the source that is passed on standard input.
must_be_found() {
    if compile "$@" 2>/dev/null; then
        echo "FAILED: $* accepts a mistake"
        failed=1
    fi
}

structs=$(size_first_structs)
if [ "$(wc -w <<<"$structs")" -lt 5 ]; then
    echo "FAILED: only these structs with struct_size were found:" $structs
    failed=1
fi
for standard in c99 c11 c17 c2x; do
    check oss_resumable.h "$cc" -x c -std="$standard"
    check_initialisers "$cc" -x c -std="$standard"
done
for standard in c++11 c++14 c++17 c++20 c++2b; do
    check oss_resumable.h "$cxx" -x c++ -std="$standard"
    check_initialisers "$cxx" -x c++ -std="$standard" -Wzero-as-null-pointer-constant -Wold-style-cast
    for header in oss_resumable.hpp oss_resumable_sdk.hpp; do
        check "$header" "$cxx" -x c++ -std="$standard"
        case $standard in
        c++11 | c++20) check "$header" "$cxx" -x c++ -std="$standard" -fno-exceptions -fno-rtti ;;
        esac
    done
done
# An SDK that was built with OSS_DISABLE_ENCRYPTION may be installed without the headers of its encryption client.
whole=$sdk sdk=$(mktemp -d)
trap 'rm -rf "$sdk"' EXIT
cp -R "$whole/alibabacloud" "$sdk"
rm -r "$sdk"/alibabacloud/oss/OssEncryptionClient.h "$sdk"/alibabacloud/oss/encryption
check oss_resumable_sdk.hpp "$cxx" -x c++ -std=c++11 -DOSS_DISABLE_ENCRYPTION
must_be_found "$cxx" -x c++ -std=c++11 <<<'#include <oss_resumable/oss_resumable_sdk.hpp>'
rm -rf "$sdk"
sdk=$whole
trap - EXIT
for standard in c++17 c++20 c++2b; do
    check oss_resumable_sdk_v2.hpp "$cxx" -x c++ -std="$standard"
    check oss_resumable_sdk_v2.hpp "$cxx" -x c++ -std="$standard" -fno-exceptions -fno-rtti
done
if echo '#include <expected>
std::expected<int, char> result(0);' | "$cxx" -x c++ -std=c++2b -fsyntax-only - 2>/dev/null; then
    check oss_resumable_sdk_v2.hpp "$cxx" -x c++ -std=c++2b -DALIBABACLOUD_OSS_USE_STD_EXPECTED
fi
# The files from which those three are made must at least include what they use.
for header in "$include"/oss_resumable/*.hpp; do
    case $header in
    *sdk_v2*) check "$(basename "$header")" "$cxx" -x c++ -std=c++17 ;;
    *) check "$(basename "$header")" "$cxx" -x c++ -std=c++11 ;;
    esac
done

# Checks the check itself: introduced mistakes must be found.
must_be_found "$cc" -x c -std=c99 <<<'int f(void); int f(void) { int unused; return 0; }'
short='struct two { int first; int second; }; struct two both = {1};'
must_be_found "$cc" -x c -std=c99 <<<"$short"
must_be_found "$cxx" -x c++ -std=c++11 <<<"$short"
echo "$compiled compilations"
exit "$failed"
