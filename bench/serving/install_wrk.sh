#!/usr/bin/env bash
# Puts wrk 4, an HTTP load client, into a folder: the one that is installed, or Debian's packages,
# which are unpacked there and not installed. Usage: install_wrk.sh FOLDER
set -euo pipefail

folder=$1
packages=(wrk libluajit-5.1-2 libluajit-5.1-common)

is_wrk_4() { # wrk ends with 1 after it has printed its version
    [[ "$("$1" --version 2>/dev/null)" == "wrk "*4.* ]]
}

rm -rf "$folder"
mkdir -p "$folder/bin"
if command -v wrk >/dev/null; then
    ln -s "$(command -v wrk)" "$folder/bin/wrk"
elif command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    cd "$folder"
    if apt-get download --quiet --quiet "${packages[@]}" 2>errors; then
        for package in *.deb; do dpkg-deb --extract "$package" .; done
        ln -s usr/lib/*-linux-gnu lib
        printf '#!/bin/sh\nLD_LIBRARY_PATH=%q exec %q "$@"\n' "$PWD/lib" "$PWD/usr/bin/wrk" >bin/wrk
        chmod +x bin/wrk
    else
        cat errors >&2
    fi
    cd - >/dev/null
fi
if ! is_wrk_4 "$folder/bin/wrk"; then
    rm -rf "$folder"
    echo "make: the benchmark needs wrk 4, an HTTP load client, and cannot get it. Install it: apt-get install wrk, dnf install wrk or brew install wrk. Where Debian's packages were never listed, run apt-get update first" >&2
    exit 1
fi
