#!/bin/sh
# Installs the Debian packages that a service needs, if it needs any: debian_packages.sh PACKAGE...
# They are arguments of the build, which PIN007 cannot check: service.toml may not name packages of
# Python, and pins.toml has the exception for this file. The versions are those of the day.
set -eu
test $# -gt 0 || exit 0
apt-get update
apt-get install --yes --no-install-recommends "$@"
rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt /var/log/dpkg.log
