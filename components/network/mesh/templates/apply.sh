#!/bin/sh
# Puts a gateway's configuration in force; where that fails, the one before it again.
#
#   apply FOLDER    FOLDER holds: interfaces, *.conf, routes, nftables.nft, bird.conf
#
# MESH_HOME holds the keys (keys/) and `current`, a link to what is in force; MESH_RUN what lives until the next boot.
# Safe to repeat: tunnels that stay the same are not touched.
set -eu

MESH_HOME=${MESH_HOME:-/etc/moltghost-mesh}
MESH_RUN=${MESH_RUN:-/run/moltghost-mesh}
SOCKET=$MESH_RUN/bird.ctl
FOLDER=$1

say() { echo "mesh: $*" >&2; }

# Keys reach `wg` by a pipe: never an argument, never a second file. A key that is missing or empty fails.
with_keys() {
    awk -v keys="$MESH_HOME/keys/" '
        $1 ~ /KeyFile$/ {
            key = ""
            if ((getline key < (keys $3)) <= 0 || key == "") { print "mesh: no key " $3 > "/dev/stderr"; exit 1 }
            close(keys $3); sub(/File$/, "", $1); print $1 " = " key; next
        }
        { print }' "$1"
}

# The kernel's module where there is one; else the same protocol in a program.
make_interface() {
    ip link show dev "$1" >/dev/null 2>&1 && return
    ip link add dev "$1" type wireguard 2>/dev/null && return
    LOG_LEVEL=error setsid wireguard-go -f "$1" >/dev/null 2>&1 </dev/null &
    tries=100
    until wg show "$1" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || { say "neither the kernel nor wireguard-go makes $1"; return 1; }
        sleep 0.05
    done
}

# `set -e` does not hold in a function whose status is asked for: each step says itself that it failed.
put_interfaces() {
    while read -r name address mtu; do
        make_interface "$name" || return 1
        with_keys "$1/$name.conf" >/dev/null || return 1
        with_keys "$1/$name.conf" | wg syncconf "$name" /dev/stdin || return 1
        ip address replace "$address" dev "$name" noprefixroute || return 1
        ip link set dev "$name" mtu "$mtu" up || return 1
    done <"$1/interfaces"
}

# Interfaces of the configuration before that this one no longer has.
drop_interfaces() {
    [ -f "$1/interfaces" ] || return 0
    while read -r name _; do
        grep -q "^$name " "$2/interfaces" && continue
        ip link delete dev "$name" 2>/dev/null || true
        rm -f "/var/run/wireguard/$name.sock"
    done <"$1/interfaces"
}

put_routing() {
    ln -sfn "$1" "$MESH_HOME/next" && mv -T "$MESH_HOME/next" "$MESH_HOME/current" || return 1
    if birdc -s "$SOCKET" show status >/dev/null 2>&1; then
        birdc -s "$SOCKET" configure | grep -q -E '^(Reconfigured|Reconfiguration in progress)' || return 1
    elif [ -d /run/systemd/system ]; then
        systemctl restart moltghost-mesh-routing.service || return 1
    else
        bird -c "$MESH_HOME/current/bird.conf" -s "$SOCKET" -P "$MESH_RUN/bird.pid" || return 1
    fi
}

# The filter comes first, so there is no moment at which packets pass that it would refuse.
put() {
    nft -f "$1/nftables.nft" || return 1
    sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.all.accept_redirects=0 \
        net.ipv4.conf.all.send_redirects=0 || return 1
    put_interfaces "$1" || return 1
    ip -batch "$1/routes" || return 1
    put_routing "$1"
}

mkdir -p "$MESH_RUN"
before=$(readlink "$MESH_HOME/current" || true)

# What can be seen to be wrong without touching anything ends here.
nft -c -f "$FOLDER/nftables.nft" || { say "the packet filter is not valid; nothing was changed"; exit 1; }
bird -p -c "$FOLDER/bird.conf" || { say "the routing configuration is not valid; nothing was changed"; exit 1; }

if put "$FOLDER"; then
    if [ -n "$before" ] && [ "$before" != "$FOLDER" ]; then drop_interfaces "$before" "$FOLDER"; fi
    exit 0
fi
if [ -n "$before" ] && [ -d "$before" ] && [ "$before" != "$FOLDER" ] && put "$before"; then
    drop_interfaces "$FOLDER" "$before"
    say "failed; the configuration before it is in force again"
else
    say "failed, and there is no configuration before it to go back to"
fi
exit 1
