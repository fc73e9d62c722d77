#!/bin/sh
# Takes a gateway's bundle (a tar.gz) on standard input, unpacks it beside what is in force, and applies it.
set -eu
umask 077

MESH_HOME=${MESH_HOME:-/etc/moltghost-mesh}
export MESH_HOME
mkdir -p "$MESH_HOME/keys" "$MESH_HOME/versions"
new=$(mktemp -d "$MESH_HOME/versions/new.XXXXXX")
trap 'rm -rf "$new"' EXIT
tar -xzf - -C "$new"

folder=$MESH_HOME/versions/$(cat "$new/version")
rm -rf "$folder.part" && mv "$new/files" "$folder.part"
# What is in force may be this very version: its folder is kept as it is.
if [ -d "$folder" ]; then rm -rf "$folder.part"; else mv "$folder.part" "$folder"; fi
for key in "$new"/keys/*; do mv "$key" "$MESH_HOME/keys/"; done
mv "$new/apply" "$MESH_HOME/apply"

if [ -d /run/systemd/system ]; then
    install -m 0644 "$new"/units/* /etc/systemd/system/
    systemctl daemon-reload
    systemctl enable --quiet moltghost-mesh.service
fi
sh "$MESH_HOME/apply" "$folder"

# The version before is kept to go back to; older ones, and keys of generations that are gone, are not.
for old in $(ls -1dt "$MESH_HOME"/versions/* | tail -n +4); do
    [ "$old" = "$folder" ] || [ "$old" = "$new" ] || rm -rf "$old"
done
for key in "$MESH_HOME"/keys/*; do
    grep -q -r -x -F -e "PrivateKeyFile = ${key##*/}" -e "PresharedKeyFile = ${key##*/}" "$MESH_HOME/versions" || rm -f "$key"
done
