#!/bin/sh
# Takes out of an installed OpenClaw what an agent's pod never loads: `sh prune.sh NODE_MODULES`.
set -eu
cd "$1"

# Pages for people: the control UI is off. Documentation, type declarations, source maps.
rm -rf openclaw/dist/control-ui openclaw/docs
find . \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -type f -delete
