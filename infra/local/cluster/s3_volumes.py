"""Prefixes of S3 buckets as read-only volumes: a stand-in for the Mountpoint for Amazon S3 CSI driver.

It takes the driver's volumes as they are declared for a cloud region, mount options included, and asks the same S3
API. Only the way differs: where the driver passes each read on to S3, this copies the prefix when a pod is about to
start, and mounts the copy. What changes in the bucket meanwhile is seen by the next pod. Nothing can be written.
"""

import argparse
import hashlib
import os
import shutil
import signal
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import grpc  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError

from components.models.manifests import DRIVER
from infra.local.cluster import csi, enclosure
from infra.local.cluster.csi import MESSAGES, RefusedError
from infra.local.cluster.shell import MachineError, run
from infra.local.providers.aws.session import Session

KUBELET = Path("/var/lib/kubelet")
BUCKET = "bucketName"
"""The volume attribute that names the bucket."""
SWITCHES = frozenset({"allow-other", "allow-root", "read-only"})
SETTINGS = frozenset({"dir-mode", "file-mode", "gid", "prefix", "region", "uid"})
WITHOUT_EFFECT = frozenset({"max-threads", "maximum-throughput-gbps", "metadata-ttl", "read-part-size"})
"""Options that only tell how fast or how fresh."""
LONGEST_NAME = 255
CHUNK = 1 << 20


@dataclass(frozen=True)
class Source:
    """What is to be mounted, and who may read it."""

    bucket: str
    prefix: str
    region: str
    uid: int
    gid: int
    dir_mode: int
    file_mode: int
    others: bool
    """Whether any user but the mount's own gets in."""


def read_options(flags: Iterable[str]) -> dict[str, str]:
    """Mountpoint's options by name, however spelled (`--gid=1`, `gid 1`). Raises RefusedError for one unknown here."""
    options = {}
    for flag in flags:
        name, _, value = "=".join(flag.split()).lstrip("-").partition("=")
        if name not in SWITCHES | SETTINGS | WITHOUT_EFFECT:
            known = ", ".join(sorted(SWITCHES | SETTINGS))
            raise _invalid(
                f"mountOptions: {name!r} is not known to the local stand-in, which only reads; it has {known}"
            )
        if (name in SWITCHES) == bool(value):
            raise _invalid(f"mountOptions: {name!r} takes {'no' if value else 'a'} value")
        options[name] = value
    return options


def read_source(request: Any) -> Source:
    """What a NodePublishVolumeRequest asks for, with the driver's own defaults. Raises RefusedError."""
    context = {entry.key: entry.value for entry in request.volume_context}
    mode, mount = request.volume_capability.access_mode.mode, request.volume_capability.mount
    if not context.get(BUCKET):
        raise _invalid(f"volumeAttributes: {BUCKET} is missing")
    if mode not in (csi.MULTI_NODE_READER_ONLY, csi.MULTI_NODE_MULTI_WRITER):
        raise _invalid("accessModes: must be ReadOnlyMany or ReadWriteMany")
    options = read_options(mount.mount_flags)
    if not (request.readonly or mode == csi.MULTI_NODE_READER_ONLY or "read-only" in options):
        raise _invalid("a volume must be read-only here: give its claim ReadOnlyMany, or mountOptions read-only")
    if mount.volume_mount_group:  # a pod's fsGroup
        options = {"gid": mount.volume_mount_group, "allow-other": "", "dir-mode": "770", "file-mode": "660"} | options
    prefix = options.get("prefix", "")
    if prefix and not prefix.endswith("/"):
        raise _invalid(f"mountOptions: prefix {prefix!r} must end with a slash")
    return Source(
        bucket=context[BUCKET],
        prefix=prefix,
        region=options.get("region", ""),
        uid=_number(options, "uid", "0", 10),
        gid=_number(options, "gid", "0", 10),
        dir_mode=_number(options, "dir-mode", "755", 8),
        file_mode=_number(options, "file-mode", "644", 8),
        others="allow-other" in options,
    )


def plan_files(prefix: str, keys: Iterable[str]) -> dict[str, PurePosixPath]:
    """Where each object lies below the mount. As in Mountpoint, a key that is no path of a file is left out."""
    paths = {}
    for key in keys:
        parts = key.removeprefix(prefix).split("/")
        if all(_is_name(part) for part in parts):
            paths[key] = PurePosixPath(*parts)
    folders = {parent for path in paths.values() for parent in path.parents}
    return {key: path for key, path in paths.items() if path not in folders}


class Volumes:
    """The volumes mounted on this node: copies under `copies`, mounted where the kubelet (`kubelet`) asks for them."""

    def __init__(self, endpoint: str, copies: Path, kubelet: Path = KUBELET) -> None:
        self.endpoint = endpoint
        self.copies = copies
        self.kubelet = kubelet
        self._lock = threading.Lock()

    def publish(self, request: Any) -> Any:
        """NodePublishVolume: copy, then mount. Asked again, it leaves what is mounted alone."""
        target, source = self._target(request), read_source(request)
        with self._lock:
            if target not in enclosure.mounts():
                copy = self._copy_of(target)
                try:
                    self._fetch(source, copy)
                    target.mkdir(parents=True, exist_ok=True)
                    run(["mount", "-o", "bind,ro,nodev,nosuid", str(copy), str(target)])
                except (ClientError, BotoCoreError, MachineError, OSError) as failure:
                    self._forget(target)
                    raise _failed(source, failure) from failure
                print(f"{source.bucket}/{source.prefix}: mounted at {target}", flush=True)
        return MESSAGES["Empty"]()

    def unpublish(self, request: Any) -> Any:
        """NodeUnpublishVolume: unmount, and delete the copy. Nothing there is no error."""
        target = self._target(request)
        with self._lock:
            if target in enclosure.mounts():
                try:
                    run(["umount", str(target)])
                except MachineError as busy:
                    raise RefusedError(grpc.StatusCode.INTERNAL, str(busy)) from busy
            self._forget(target)
        return MESSAGES["Empty"]()

    def _fetch(self, source: Source, copy: Path) -> None:
        settings = {"accessKey": "local", "secretKey": "local", "endpoints": [{"s3": self.endpoint}]}
        shutil.rmtree(copy, ignore_errors=True)  # of an attempt that was cut short
        copy.mkdir(parents=True)
        with closing(Session(settings | {"region": source.region}).s3) as s3:
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=source.bucket, Prefix=source.prefix)
            keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
            for key, path in plan_files(source.prefix, keys).items():
                file = copy / path
                file.parent.mkdir(parents=True, exist_ok=True)
                with file.open("wb") as writer:
                    shutil.copyfileobj(s3.get_object(Bucket=source.bucket, Key=key)["Body"], writer, CHUNK)
        _give(source, copy)

    def _target(self, request: Any) -> Path:
        target = Path(os.path.normpath(request.target_path))
        if not (request.target_path and target.is_relative_to(self.kubelet)):
            raise _invalid(f"target path {request.target_path!r} is not the kubelet's")
        return target

    def _copy_of(self, target: Path) -> Path:
        return self.copies / hashlib.sha256(os.fsencode(target)).hexdigest()[:16]

    def _forget(self, target: Path) -> None:
        shutil.rmtree(self._copy_of(target), ignore_errors=True)
        if target.exists():
            target.rmdir()


def _give(source: Source, copy: Path) -> None:
    """Owners and modes as the mount options have them; the top is closed to all but root unless others are allowed."""
    for folder, _, files in os.walk(copy):
        for path in (Path(folder), *(Path(folder) / file for file in files)):
            os.chown(path, source.uid, source.gid)
            path.chmod(source.dir_mode if path.is_dir() else source.file_mode)
    if not source.others:
        os.chown(copy, 0, 0)
        copy.chmod(0o700)


def _is_name(part: str) -> bool:
    return part not in ("", ".", "..") and "\0" not in part and len(part.encode()) <= LONGEST_NAME


def _number(options: dict[str, str], name: str, default: str, base: int) -> int:
    text = options.get(name, default)
    try:
        return int(text, base)
    except ValueError:
        raise _invalid(f"mountOptions: {name} {text!r} is no number of base {base}") from None


def _invalid(message: str) -> RefusedError:
    return RefusedError(grpc.StatusCode.INVALID_ARGUMENT, message)


def _failed(source: Source, failure: Exception) -> RefusedError:
    """What a pod's event is to say."""
    code = grpc.StatusCode.INTERNAL
    if isinstance(failure, BotoCoreError):
        code = grpc.StatusCode.UNAVAILABLE
    elif isinstance(failure, ClientError) and failure.response["Error"]["Code"].startswith("NoSuch"):
        code = grpc.StatusCode.NOT_FOUND
    return RefusedError(code, f"bucket {source.bucket!r}, prefix {source.prefix!r}: {failure}")


def build_server(volumes: Volumes, node: str, sockets: Sequence[Path]) -> grpc.Server:
    """The plugin's server: the kubelet finds it by the first socket and calls it by the last."""
    server = grpc.server(ThreadPoolExecutor(8))
    for service, calls in _services(volumes, node, sockets[-1]).items():
        csi.add_service(server, service, calls)
    for path in reversed(sockets):  # the kubelet calls as soon as it sees the first
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        server.add_insecure_port(f"unix:{path}")
    return server


def _services(volumes: Volumes, node: str, socket: Path) -> dict[str, dict[str, csi.Call]]:
    """What is answered, by the services' full names."""
    empty = MESSAGES["Empty"]()
    info = MESSAGES["PluginInfo"](type="CSIPlugin", name=DRIVER, endpoint=str(socket), supported_versions=["1.0.0"])
    group = MESSAGES["NodeServiceCapability"](rpc=MESSAGES["Rpc"](type=csi.VOLUME_MOUNT_GROUP))
    return {
        "pluginregistration.Registration": {
            "GetInfo": lambda _: info,
            "NotifyRegistrationStatus": _note_registration,
        },
        "csi.v1.Identity": {
            "GetPluginInfo": lambda _: MESSAGES["GetPluginInfoResponse"](name=DRIVER, vendor_version="local"),
            "GetPluginCapabilities": lambda _: empty,
            "Probe": lambda _: empty,
        },
        "csi.v1.Node": {
            "NodeGetInfo": lambda _: MESSAGES["NodeGetInfoResponse"](node_id=node),
            "NodeGetCapabilities": lambda _: MESSAGES["NodeGetCapabilitiesResponse"](capabilities=[group]),
            "NodePublishVolume": volumes.publish,
            "NodeUnpublishVolume": volumes.unpublish,
        },
    }


def _note_registration(status: Any) -> Any:
    said = "registered with the kubelet" if status.plugin_registered else f"not registered: {status.error}"
    print(said, flush=True)
    return MESSAGES["Empty"]()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True, help="URL of the S3 server on this machine")
    parser.add_argument("--node", required=True, help="name of the node")
    parser.add_argument("--copies", type=Path, required=True, help="folder for what volumes hold")
    arguments = parser.parse_args()
    sockets = (KUBELET / "plugins_registry" / f"{DRIVER}-reg.sock", KUBELET / "plugins" / DRIVER / "csi.sock")
    server = build_server(Volumes(arguments.endpoint, arguments.copies), arguments.node, sockets)
    server.start()
    signal.signal(signal.SIGTERM, lambda *_: server.stop(None))
    server.wait_for_termination()


if __name__ == "__main__":
    main()
