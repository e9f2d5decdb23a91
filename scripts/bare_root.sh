# Sourced by test scripts: a root directory with only the named Debian packages and what they depend on, in which programs
# run without the libraries, headers and compilers of this machine. Needs root, or user namespaces.
#
#   make_bare_root ROOT PACKAGE...       PACKAGE: a name, or the path of a .deb whose dependencies alone are unpacked
#   trust_authorities ROOT FILE...       makes the certificates of these files (PEM) the only ones that the root trusts
#   in_bare_root ROOT COMMAND...         runs a command in it; /dev and /proc are this machine's

# What dpkg needs to install a package, and a shell.
bare_root_base=(base-files libc-bin dash coreutils diffutils sed grep tar dpkg)

# Packages come from the distribution's archive, as `apt-get install` would choose them for an empty system. They are
# unpacked and not configured, and dpkg in the root knows them.
make_bare_root() {
    local root=$1 cache=$1.cache directory deb
    shift
    mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root"/{etc,tmp,dev,proc,root} "$cache/archives/partial" \
        "$root"/var/lib/dpkg/{info,updates,triggers} || return
    for directory in bin sbin lib lib64; do ln -s "usr/$directory" "$root/$directory" || return; done
    : >"$cache/status" || return
    # The lists of packages may be out of date.
    download_packages "$cache" "${bare_root_base[@]}" "$@" ||
        { apt-get -qq update && download_packages "$cache" "${bare_root_base[@]}" "$@"; } || return
    for deb in "$cache"/archives/*.deb; do
        unpack_into "$root" "$deb" || return
    done
    rm -r "$cache"
}

unpack_into() {
    local root=$1 deb=$2 name
    dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink --no-same-owner -C "$root" || return
    {
        dpkg-deb --field "$deb" | sed '1a Status: install ok installed' && echo
    } >>"$root/var/lib/dpkg/status" || return
    name=$(dpkg-deb --field "$deb" Package) || return
    if [ "$(dpkg-deb --field "$deb" Multi-Arch)" = same ]; then
        name+=:$(dpkg-deb --field "$deb" Architecture)
    fi
    dpkg-deb --fsys-tarfile "$deb" | tar -t | sed 's|^\./$|/.|; s|^\.||; s|/$||' >"$root/var/lib/dpkg/info/$name.list"
}

# Downloads packages and what they depend on, as if nothing were installed.
download_packages() {
    local cache=$1
    shift
    apt-get -qq install --yes --no-install-recommends --download-only -o Dir::State::status="$cache/status" \
        -o Dir::Cache="$cache" -o Debug::NoLocking=1 -o APT::Sandbox::User=root "$@" </dev/null
}

# What the package ca-certificates does when it is configured.
trust_authorities() {
    local root=$1
    shift
    cat "$@" >"$root/etc/ssl/certs/ca-certificates.crt"
}

# In a mount namespace of its own, so that nothing stays mounted.
in_bare_root() {
    local root=$1 namespaces=(--mount)
    shift
    [ "$(id -u)" -eq 0 ] || namespaces+=(--map-root-user)
    # shellcheck disable=SC2016
    unshare "${namespaces[@]}" sh -c '
        mount --rbind /dev "$0/dev" && mount --rbind /proc "$0/proc" && exec chroot "$0" "$@"' "$root" "$@"
}
