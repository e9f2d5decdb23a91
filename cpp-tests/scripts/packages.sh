#!/usr/bin/env bash
# Installs the packages that cpack makes, each in its own way, and builds programs with them.
#
#   packages.sh CMAKE BUILD-DIRECTORY LOCAL-OSS SOURCE-DIRECTORY VERSION ABI
set -euo pipefail
cmake=$1 build=$2 local_oss=$3 source=$4 version=$5 abi=$6
source "$source/cpp-tests/scripts/with_server.sh"
start_server "$local_oss"
export OSS_ACCESS_KEY_ID=id OSS_ACCESS_KEY_SECRET=secret

fail() { echo "FAILED: $*"; exit 1; }
run() {
    "$@" "$endpoint" cn-hangzhou examplebucket generated/1000 "$scratch/file" "$scratch"
    "$local_oss" pattern --size 1000 --verify "$scratch/file"
    rm "$scratch/file"
}
build_consumer() {
    "$cmake" -S "$source/cpp-tests/consumer-c" -B "$scratch/$1" -DCMAKE_PREFIX_PATH="$2"
    "$cmake" --build "$scratch/$1"
}

mkdir "$scratch/packages"
(cd "$build" && "$(dirname "$cmake")/cpack" -B "$scratch/packages")

mkdir "$scratch/unpacked"
tar -xzf "$scratch"/packages/oss-resumable-"$version"-*.tar.gz -C "$scratch/unpacked" --strip-components=1
build_consumer from-tar "$scratch/unpacked"
run "$scratch/from-tar/consumer-shared"
run "$scratch/from-tar/consumer-static"

runtime=$(echo "$scratch"/packages/liboss-resumable"$abi"_"$version"_*.deb)
development=$(echo "$scratch"/packages/liboss-resumable-dev_"$version"_*.deb)
command=$(sed -n 's/^OSS_RESUMABLE_BUILD_COMMAND:BOOL=//p' "$build/CMakeCache.txt")
tools=()
[ "$command" = ON ] && tools=("$scratch"/packages/oss-resumable_"$version"_*.deb)
dpkg-deb -f "$runtime" Depends | grep -q 'libcurl4' || fail "the runtime package does not depend on libcurl"
dpkg-deb -f "$development" Depends | grep -qF "liboss-resumable$abi (= $version)" ||
    fail "the development package does not depend on the runtime package"
for tool in "${tools[@]}"; do
    dpkg-deb -f "$tool" Depends | grep -q 'libcurl4' || fail "the package of the command does not depend on libcurl"
    if dpkg-deb -f "$tool" Depends | grep -q 'liboss'; then
        fail "the package of the command depends on the library, which it contains"
    fi
done
if dpkg-deb -c "$runtime" | grep -E '\.(h|hpp|a|pc|cmake)$|liboss_resumable\.so$'; then
    fail "the runtime package holds what only development needs"
fi

# A separate root directory, so that this machine is not changed. The dependencies are this machine's.
root=$scratch/root
mkdir -p "$root"/var/lib/dpkg/{info,triggers,updates}
touch "$root/var/lib/dpkg/status"
dpkg --root="$root" --force-not-root --force-depends --force-script-chrootless --log=/dev/null \
    --install "$runtime" "$development" "${tools[@]}"
[ "$(dpkg-query --admindir="$root/var/lib/dpkg" -W | wc -l)" -eq $((2 + ${#tools[@]})) ] ||
    fail "dpkg does not know the packages"
prefix=$root/$(dpkg-deb -c "$development" | sed -n 's#.* \./\(.*\)/include/oss_resumable/oss_resumable.h$#\1#p')
build_consumer from-deb "$prefix"
run "$scratch/from-deb/consumer-shared"

if [ "$command" = ON ]; then
    # The installed command works without the other packages, and brings its man pages.
    "$prefix/bin/oss-resumable" get --endpoint "$endpoint" --region cn-hangzhou -o "$scratch/file" \
        oss://examplebucket/generated/1000
    "$local_oss" pattern --size 1000 --verify "$scratch/file"
    rm "$scratch/file"
    [ -e "$prefix/share/man/man1/oss-resumable-get.1" ] || fail "there are no man pages"
fi

# One component at a time, into a staging directory.
DESTDIR=$scratch/staged "$cmake" --install "$build" --prefix /opt/oss --component oss_resumable_runtime
[ -e "$scratch/staged/opt/oss/lib/liboss_resumable.so.$abi" ] || fail "DESTDIR was ignored"
[ ! -e "$scratch/staged/opt/oss/include" ] || fail "the runtime component holds headers"
[ ! -e "$scratch/staged/opt/oss/bin" ] || fail "the runtime component holds the command"
if [ "$command" = ON ]; then
    DESTDIR=$scratch/staged "$cmake" --install "$build" --prefix /opt/oss --component oss_resumable_tools
    [ -x "$scratch/staged/opt/oss/bin/oss-resumable" ] || fail "the command was not staged"
fi
DESTDIR=$scratch/staged "$cmake" --install "$build" --prefix /opt/oss --component oss_resumable_development
[ -e "$scratch/staged/opt/oss/include/oss_resumable/oss_resumable.h" ] || fail "no headers were staged"
build_consumer from-staged "$scratch/staged/opt/oss"
run "$scratch/from-staged/consumer-shared"
