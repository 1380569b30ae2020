#!/usr/bin/env bash
# Makes a substitute for python:3.11-slim-bookworm, for machines without a registry: the same Debian,
# its Python 3.11 under the same name, and the same few packages. It tests our layers, not the official
# image. Run by `make ... STANDIN=yes` as standin.sh NAME.
set -euo pipefail

name=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

echo "Making $name from Debian's packages" >&2
mmdebstrap --quiet --variant=minbase \
    --include=ca-certificates,netbase,python3,python3-venv,tzdata \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    bookworm "$folder/base.tar"

cat > "$folder/Containerfile" <<'CONTAINERFILE'
FROM scratch
ADD base.tar /
RUN ln -s /usr/bin/python3 /usr/local/bin/python \
    && ln -s /usr/bin/python3 /usr/local/bin/python3 \
    && rm -rf /var/cache/apt /var/lib/apt/lists/*
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
CMD ["python3"]
CONTAINERFILE
buildah build --quiet --isolation chroot --squash --file "$folder/Containerfile" --tag "$name" "$folder"
