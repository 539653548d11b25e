#!/bin/sh
# Install the Debian packages whose commands are missing (arguments: command:package), or say how to. Of several
# commands (one,another:package) any one is enough.
PATH="$PATH:/usr/sbin"
missing=""
for pair in "$@"; do
    found=""
    for name in $(echo "${pair%%:*}" | tr , ' '); do
        command -v "$name" >/dev/null 2>&1 && found="$name"
    done
    [ -n "$found" ] || missing="$missing ${pair#*:}"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
else
    echo "The tests need these Debian packages; run: sudo apt-get install$missing" >&2
    exit 1
fi
