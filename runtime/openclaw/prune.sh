#!/bin/sh
# Takes out of an installed OpenClaw what an agent's pod never loads: `sh prune.sh NODE_MODULES`.
# What is left is what the tests of the real OpenClaw pass with.
set -eu
cd "$1"

# Pages for people; documentation; skills and browsers that come along; workers for other machines.
rm -rf openclaw/dist/control-ui openclaw/docs openclaw/skills openclaw/custodian-skills openclaw/node_modules
rm -f openclaw/dist/worker/worker.mjs openclaw/dist/worker/sqlite-store.worker.mjs

# Desktops, browsers and chat networks to act on, other providers' models, editors and terminals, telemetry, compilers.
rm -rf @trycua playwright-core grammy @grammyjs @mistralai @google @agentclientprotocol highlight.js @opentelemetry \
    typescript @types @babel json-schema-to-ts

# Nobody types, debugs or looks things up here.
find . \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -type f -delete
find . -path ./openclaw -prune -o \( -name '*.ts' -o -name '*.mts' -o -name '*.md' \) -type f \
    ! -iname 'licen*' ! -iname 'copying*' ! -iname 'notice*' -exec rm {} +
find . -type l ! -exec test -e {} \; -delete
find . -type d -empty -delete
