#!/bin/sh
# Sees to it that there is a Chromium: the one of $CHROMIUM, else the one on the PATH, else Debian's, which is installed.
set -eu
if [ -n "${CHROMIUM:-}" ]; then
    [ -x "$CHROMIUM" ] || { echo "CHROMIUM names $CHROMIUM, which can't be run." >&2; exit 1; }
    exit 0
fi
command -v chromium >/dev/null && exit 0
if [ "$(id -u)" = 0 ]; then become=""; else become="sudo -n"; fi
{ $become apt-get update -qq && $become env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } || {
    echo "There is no Chromium, and apt-get could not install it. Install one and name it: CHROMIUM=/path/to/chromium make browser" >&2
    exit 1
}
