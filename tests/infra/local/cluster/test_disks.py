"""A disk has the size it was asked for, keeps what was written, is never mounted twice, and leaves nothing."""

import errno
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.cluster import disks
from infra.local.cluster.disks import Disk
from infra.local.cluster.shell import MachineError, run
from runtime.contract.image import UID
from tests.waiting import eventually

MIB = 1 << 20

needs_loop = pytest.mark.skipif(bool(disks.lacks()), reason=f"a disk needs root and loop devices: {disks.lacks()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path / "volumes", "pvc-1")
    yield disk
    disk.remove()


def devices(disk: Disk) -> str:
    return run(["losetup", "--associated", str(disk.image)])


def unmount(disk: Disk) -> None:
    run(["umount", str(disk.mount_point)])


@needs_loop
def test_what_does_not_fit_is_refused_and_the_rest_is_kept(disk: Disk) -> None:
    disk.make(16 * MIB)
    (disk.data / "kept").write_text("kept")
    with pytest.raises(OSError, match="No space left") as full:
        (disk.data / "big").write_bytes(bytes(17 * MIB))
    assert full.value.errno == errno.ENOSPC
    assert (disk.data / "kept").read_text() == "kept"


@needs_loop
def test_fifty_gib_are_made_at_once_and_cost_only_what_is_written(disk: Disk) -> None:
    started = time.monotonic()
    disk.make(50 << 30)
    assert time.monotonic() - started < 1
    found = os.statvfs(disk.data)
    assert 0.95 < found.f_blocks * found.f_frsize / (50 << 30) <= 1
    assert disk.image.stat().st_blocks * 512 < 64 * MIB


@needs_loop
def test_deleted_files_give_their_room_back(disk: Disk) -> None:
    disk.make(64 * MIB)
    (disk.data / "big").write_bytes(os.urandom(32 * MIB))
    os.sync()
    full = disk.image.stat().st_blocks
    (disk.data / "big").unlink()
    os.sync()
    eventually(lambda: disk.image.stat().st_blocks < full // 4, "the sparse file shrinks")


@needs_loop
def test_it_is_attached_again_with_what_was_written(disk: Disk) -> None:
    disk.make(16 * MIB)
    (disk.data / "file").write_text("written")
    unmount(disk)
    assert not disk.data.exists(), "an empty mount point is not taken for the disk"
    disk.attach()
    disk.attach()
    assert (disk.data / "file").read_text() == "written"
    assert len(devices(disk).splitlines()) == 1
    disk.make(16 * MIB)
    assert (disk.data / "file").read_text() == "written", "made again, it is not formatted again"


@needs_loop
def test_it_waits_for_an_earlier_mount_and_never_makes_a_second(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    disk.make(16 * MIB)
    with (disk.data / "open").open("w"):  # a process that lives on keeps a lazily unmounted file system
        run(["umount", "--lazy", str(disk.mount_point)])
        monkeypatch.setattr(disks, "FREE_WITHIN_S", 0.1)
        with pytest.raises(MachineError, match=r"pvc-1\.img is still in use: /dev/loop"):
            disk.attach()
    disk.attach()


@needs_loop
def test_with_the_last_process_of_its_namespace_the_mount_and_the_device_end(disk: Disk) -> None:
    disk.make(16 * MIB)
    unmount(disk)
    mount = f"mount -o {disks.OPTIONS} {disk.image} {disk.mount_point}; echo mounted; sleep 600"
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "mounted\n"
        assert not disk.mount_point.is_mount()
        assert devices(disk)
        os.killpg(process.pid, 9)
    disk.attach()
    assert len(devices(disk).splitlines()) == 1


@needs_loop
def test_removed_it_leaves_nothing(disk: Disk) -> None:
    disk.make(16 * MIB)
    disk.remove()
    disk.remove()
    assert list(disk.root.iterdir()) == []
    loops = run(["losetup", "--list", "--noheadings", "--output", "BACK-FILE"])
    assert str(disk.root) not in loops


def test_without_disks_a_volume_is_a_folder_of_the_images_user(tmp_path: Path) -> None:
    folder = Disk(tmp_path, "pvc-2")
    folder.make(None)
    folder.attach()
    found = folder.data.stat()
    assert found.st_mode & 0o777 == 0o700
    assert found.st_uid == (UID if os.geteuid() == 0 else os.geteuid())
    folder.remove()
    assert list(tmp_path.iterdir()) == []


def test_what_is_lacking_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(disks, "LOOP_CONTROL", tmp_path / "loop-control")
    assert disks.lacks() == f"no {tmp_path / 'loop-control'}"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert disks.lacks() == "no root"
