"""Disks of a promised size for local volumes: a sparse file each, with a file system of its own on a loop device.

The caretaker mounts them inside the node's mount namespace. Whatever ends the last process there, a SIGKILL too, ends
the mounts, and with them the loop devices, which free themselves.
"""

import os
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from infra.local.cluster.shell import MachineError, run
from runtime.contract.image import UID

LOOP_CONTROL = Path("/dev/loop-control")
SMALLEST = 1 << 20
"""Bytes below which no file system fits."""
FREE_WITHIN_S = 15
MKFS = ("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard")
"""No block is reserved for root, and none is written that a sparse file reads as zeros anyway."""
OPTIONS = "loop,noatime,nodev,nosuid,discard,noinit_itable"
"""What is deleted inside gives its room back to the machine's disk."""

_mounting = threading.Lock()


@dataclass(frozen=True)
class Disk:
    """One volume's place under `root`: with a file system of its own, or a mere folder there."""

    root: Path
    name: str

    @property
    def image(self) -> Path:
        """The sparse file; absent for a mere folder."""
        return self.root / f"{self.name}.img"

    @property
    def mount_point(self) -> Path:
        return self.root / self.name

    @property
    def data(self) -> Path:
        """What a pod sees. It lies on the disk, so that nobody takes an empty mount point for it."""
        return self.mount_point / "data"

    def make(self, size: int | None) -> None:
        """Make it with room for `size` bytes, None for as much as the machine has; safe to repeat."""
        self.mount_point.mkdir(parents=True, exist_ok=True)
        if size is not None:
            self._format(max(size, SMALLEST))
            self.attach()
        self.data.mkdir(exist_ok=True)
        self.data.chmod(0o700)
        if os.geteuid() == 0:
            os.chown(self.data, UID, UID)

    def attach(self) -> None:
        """Mount it where it isn't, as after a restart. Raises MachineError while an earlier mount is not gone."""
        with _mounting:
            if self.mount_point.is_mount() or not self.image.exists():
                return
            self._await_free()
            run(["mount", "-t", "ext4", "-o", OPTIONS, str(self.image), str(self.mount_point)])

    def remove(self) -> None:
        """Delete it with all it holds; safe to repeat."""
        with _mounting:
            if self.mount_point.is_mount():
                run(["umount", "--lazy", str(self.mount_point)])
            self.image.unlink(missing_ok=True)
        shutil.rmtree(self.mount_point, ignore_errors=True)

    def _await_free(self) -> None:
        """Of two mounts through two devices each would overwrite what the other wrote."""
        deadline = time.monotonic() + FREE_WITHIN_S
        while used := run(["losetup", "--associated", str(self.image)]):
            if time.monotonic() > deadline:
                raise MachineError(f"{self.image} is still in use: {used.strip()}")
            time.sleep(0.05)

    def _format(self, size: int) -> None:
        if self.image.exists():
            return
        draft = self.image.with_suffix(".new")
        with draft.open("wb") as file:
            file.truncate(size)
        run([*MKFS, str(draft)])
        draft.replace(self.image)


def lacks() -> str:
    """Why disks can't be had here; empty where they can."""
    if os.geteuid() != 0:
        return "no root"
    return "" if LOOP_CONTROL.exists() else f"no {LOOP_CONTROL}"
