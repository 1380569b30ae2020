#!/bin/sh
# Installs the libraries and a service from their folders: install.sh SERVICE. The service is an
# argument of the build, which PIN007 cannot check; pins.toml has the exception for this file.
set -eu
uv pip install --python /opt/venv --excludes excluded.txt ./libs/modelseal ./libs/modelwatch ./libs/servicekit "./$1"
