"""The EC2 instance types pools are made of, and what may be asked of a type.

The numbers are AWS's own: https://docs.aws.amazon.com/ec2/latest/instancetypes/ for the sizes,
https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-regions.html for the regions, read in the form of the
recorded answers to DescribeInstanceTypes and DescribeInstanceTypeOfferings that moto 5.2.5 ships (`make test` compares
each number with them). A type or region that was not found there is not in the table.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from components.values import Values

GpuClass = Literal["h100", "a100", "l40s"]
"""The GPU models agents ask for, as the label of a node names them."""

GPU_CLASSES: tuple[GpuClass, ...] = get_args(GpuClass)

SIZES = "https://docs.aws.amazon.com/ec2/latest/instancetypes/"
READ = date(2026, 11, 26)


class InstanceType(Values):
    """One EC2 instance type.

    Memory in GiB, `gpu_memory_gib` of one GPU; `nvme_gb` in decimal GB over all `nvme_disks` local disks;
    `network_gbps` in Gbit/s, for small sizes what they can burst to. `source` and `read` say where and when the
    numbers were read.
    """

    name: str
    gpus: int
    gpu_class: GpuClass | None
    gpu_memory_gib: float
    vcpus: int
    memory_gib: int
    nvme_disks: int
    nvme_gb: int
    network_gbps: float
    epyc: bool
    capacity_blocks: bool
    aws_regions: tuple[str, ...]
    source: str
    read: date

    @property
    def family(self) -> str:
        """What stands before the dot: `p5`, `g6e`."""
        return self.name.partition(".")[0]


_P5 = (
    "ap-northeast-1 ap-south-1 ap-southeast-2 ap-southeast-3 eu-north-1 eu-west-2 sa-east-1 us-east-1 us-east-2 "
    "us-west-2"
)
_REGIONS = {
    "p5.4xlarge": _P5,
    "p5.48xlarge": f"{_P5} ap-northeast-2 ca-central-1 us-west-1",
    "p4d": "ap-northeast-1 ap-northeast-2 ap-south-1 ap-southeast-2 ca-central-1 eu-central-1 eu-north-1 eu-west-1 "
    "eu-west-2 sa-east-1 us-east-1 us-east-2 us-west-2",
    "p4de": "ap-northeast-1 ap-southeast-1 eu-central-1 il-central-1 us-east-1 us-west-2",
    "g6e": "ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 eu-central-1 eu-north-1 eu-south-2 "
    "me-central-1 us-east-1 us-east-2 us-west-2",
    "r5a": "ap-northeast-1 ap-northeast-2 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 "
    "eu-south-1 eu-west-1 eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2",
    "r6a": "ap-northeast-1 ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 eu-west-1 "
    "eu-west-2 us-east-1 us-east-2 us-west-1 us-west-2",
    "r7a": "ap-northeast-1 ap-south-2 eu-central-1 eu-north-1 eu-south-2 eu-west-1 us-east-1 us-east-2 us-west-2",
    "m6a": "ap-northeast-1 ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 eu-south-1 "
    "eu-west-1 eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2",
    "m7a": "ap-northeast-1 ap-southeast-2 eu-central-1 eu-north-1 eu-south-2 eu-west-1 eu-west-2 us-east-1 us-east-2 "
    "us-west-2",
    "m7i": "af-south-1 ap-east-1 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1 "
    "ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ca-central-1 eu-central-1 eu-central-2 eu-north-1 "
    "eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 sa-east-1 us-east-1 us-east-2 "
    "us-west-1 us-west-2",
}

# name, GPUs, MiB a GPU, vCPUs, GiB, disks, GB of disks, Gbit/s
_ACCELERATED: dict[GpuClass, tuple[tuple[str, int, int, int, int, int, int, float], ...]] = {
    "h100": (
        ("p5.4xlarge", 1, 81920, 16, 256, 1, 3800, 100),
        ("p5.48xlarge", 8, 81920, 192, 2048, 8, 30400, 3200),
    ),
    "a100": (
        ("p4d.24xlarge", 8, 40960, 96, 1152, 8, 8000, 400),
        ("p4de.24xlarge", 8, 81920, 96, 1152, 8, 8000, 400),
    ),
    "l40s": (
        ("g6e.xlarge", 1, 45776, 4, 32, 1, 250, 20),
        ("g6e.2xlarge", 1, 45776, 8, 64, 1, 450, 20),
        ("g6e.4xlarge", 1, 45776, 16, 128, 1, 600, 20),
        ("g6e.8xlarge", 1, 45776, 32, 256, 2, 900, 25),
        ("g6e.16xlarge", 1, 45776, 64, 512, 2, 1900, 35),
        ("g6e.12xlarge", 4, 45776, 48, 384, 2, 3800, 100),
        ("g6e.24xlarge", 4, 45776, 96, 768, 2, 3800, 200),
        ("g6e.48xlarge", 8, 45776, 192, 1536, 4, 7600, 400),
    ),
}
# size: vCPUs, Gbit/s; memory follows from the family
_Sizes = dict[str, tuple[int, float]]
_HIGH_MEMORY: dict[str, _Sizes] = {
    "r5a": {"4xlarge": (16, 10), "8xlarge": (32, 10), "12xlarge": (48, 10), "16xlarge": (64, 12), "24xlarge": (96, 20)},
    "r6a": {
        "4xlarge": (16, 12.5),
        "8xlarge": (32, 12.5),
        "12xlarge": (48, 18.75),
        "16xlarge": (64, 25),
        "24xlarge": (96, 37.5),
        "48xlarge": (192, 50),
    },
    "r7a": {
        "4xlarge": (16, 12.5),
        "8xlarge": (32, 12.5),
        "12xlarge": (48, 18.75),
        "16xlarge": (64, 25),
        "24xlarge": (96, 37.5),
        "48xlarge": (192, 50),
    },
}
_SYSTEM: _Sizes = {"large": (2, 12.5), "xlarge": (4, 12.5), "2xlarge": (8, 12.5), "4xlarge": (16, 12.5)}
_GENERAL: dict[str, _Sizes] = {"m6a": _SYSTEM, "m7a": _SYSTEM, "m7i": _SYSTEM}
_INTEL = {"p4d", "p4de", "m7i"}
_GIB_A_VCPU = {"r": 8, "m": 4}


def _regions(name: str) -> tuple[str, ...]:
    return tuple(sorted((_REGIONS.get(name) or _REGIONS[name.partition(".")[0]]).split()))


def _accelerated() -> Iterator[InstanceType]:
    for gpu_class, rows in _ACCELERATED.items():
        for name, gpus, gpu_mib, vcpus, memory, disks, nvme, network in rows:
            yield InstanceType(
                name=name,
                gpus=gpus,
                gpu_class=gpu_class,
                gpu_memory_gib=gpu_mib / 1024,
                vcpus=vcpus,
                memory_gib=memory,
                nvme_disks=disks,
                nvme_gb=nvme,
                network_gbps=network,
                epyc=name.partition(".")[0] not in _INTEL,
                capacity_blocks=gpu_class != "l40s",
                aws_regions=_regions(name),
                source=f"{SIZES}ac.html",
                read=READ,
            )


def _plain() -> Iterator[InstanceType]:
    for family, sizes in {**_HIGH_MEMORY, **_GENERAL}.items():
        for size, (vcpus, network) in sizes.items():
            yield InstanceType(
                name=f"{family}.{size}",
                gpus=0,
                gpu_class=None,
                gpu_memory_gib=0,
                vcpus=vcpus,
                memory_gib=vcpus * _GIB_A_VCPU[family[0]],
                nvme_disks=0,
                nvme_gb=0,
                network_gbps=network,
                epyc=family not in _INTEL,
                capacity_blocks=False,
                aws_regions=_regions(family),
                source=f"{SIZES}{'mo' if family[0] == 'r' else 'gp'}.html",
                read=READ,
            )


INSTANCE_TYPES: dict[str, InstanceType] = {each.name: each for each in (*_accelerated(), *_plain())}
"""Every type a pool may be made of, by name."""


@dataclass(frozen=True)
class Mismatch:
    """What of a pool the catalogue refuses: the pool's field, the value, what is wrong and what would be right."""

    field: str
    value: object
    message: str
    remedy: str


def offered_in(aws_region: str, gpu_class: GpuClass | None = None) -> tuple[str, ...]:
    """The types a region offers, of one GPU class if one is given, smallest first."""
    found = [
        each
        for each in INSTANCE_TYPES.values()
        if aws_region in each.aws_regions and (gpu_class is None or each.gpu_class == gpu_class)
    ]
    return tuple(each.name for each in sorted(found, key=lambda each: (each.gpus, each.vcpus, each.name)))


def nodes_for(gpus: int, instance_type: str) -> int:
    """How many nodes of the type hold exactly so many GPUs. Raises ValueError if no whole number of nodes does."""
    each = INSTANCE_TYPES[instance_type].gpus
    if each == 0 or gpus < 0 or gpus % each:
        whole = f"a multiple of {each}" if each else "a type with GPUs"
        raise ValueError(f"{gpus} GPUs are no whole number of {instance_type} ({each} GPUs each): choose {whole}")
    return gpus // each


def mismatches(
    instance_type: str, aws_region: str, gpu_class: GpuClass | None, *, block: bool, local: bool
) -> list[Mismatch]:
    """All that the catalogue refuses of a pool of the type in the region.

    `block`: its capacity is a Capacity Block; `local`: its agents' volumes are the nodes' own disks.
    """
    known = INSTANCE_TYPES.get(instance_type)
    there = (
        ", ".join(offered_in(aws_region, gpu_class)) or "a type of another class: the region offers none of this one"
    )
    if known is None:
        message = "is not in the catalogue of instance types"
        return [Mismatch("instance_type", instance_type, message, f"Choose {there}")]
    found: list[Mismatch] = []
    if aws_region not in known.aws_regions:
        found.append(Mismatch("instance_type", instance_type, f"is not offered in {aws_region}", f"Choose {there}"))
    if gpu_class != known.gpu_class:
        has = f"has GPUs of class {known.gpu_class}" if known.gpu_class else "has no GPU"
        found.append(
            Mismatch("gpu_class", gpu_class, f"does not match {instance_type}, which {has}", f"Choose {there}")
        )
    if block and not known.capacity_blocks:
        message = f"{instance_type} is not sold in Capacity Blocks"
        found.append(Mismatch("capacity", "block", message, "Use a capacity reservation, or on-demand capacity"))
    if local and (known.gpus == 0 or known.nvme_disks < known.gpus):
        message = (
            f"{instance_type} has {known.nvme_disks} local disks for {known.gpus} GPUs; an agent's volume is a disk"
        )
        found.append(Mismatch("storage", "local", message, "Use network volumes, or a type with a disk for each GPU"))
    return found
