"""A mount namespace for everything that is supervised.

containerd and the kubelet use fixed folders (/run/containerd, /var/lib/kubelet …). In a mount namespace of their own
each is a folder of the state folder: two regions never meet there, and every mount vanishes with the last process.
"""

from pathlib import Path

from infra.local.cluster.shell import run

MOUNT_POINTS = ("/run/containerd", "/var/lib/containerd", "/var/lib/kubelet", "/var/lib/cni", "/var/log/containers")

SCRIPT = """\
set -e
folder=$1
shift
mount --make-rshared /
for target in {mount_points}; do
  mount --bind "$folder$target" "$target"
done
exec "$@"
""".replace("{mount_points}", " ".join(MOUNT_POINTS))


def prepare(folder: Path) -> None:
    """Make the folders on both sides. The mount points stay: to remove one would unmount it in another region, too."""
    for point in MOUNT_POINTS:
        Path(point).mkdir(parents=True, exist_ok=True)
        (folder / point.lstrip("/")).mkdir(parents=True, exist_ok=True)


def launcher(folder: Path) -> list[str]:
    """What starts a command inside a new enclosure over `folder`."""
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, "sh", str(folder)]


def enter(pid: int) -> list[str]:
    """What starts a command inside the enclosure process `pid` lives in."""
    return ["nsenter", "--target", str(pid), "--mount"]


def mounts() -> list[Path]:
    """Every mount point this process sees, in the order they were mounted."""
    return [Path(line.split()[4]) for line in Path("/proc/self/mountinfo").read_text().splitlines()]


def unmount(folder: Path) -> None:
    """Unmount what a crash may have left mounted below `folder` outside of any enclosure."""
    for mount in reversed([mount for mount in mounts() if mount.is_relative_to(folder)]):
        run(["umount", "--lazy", str(mount)])
