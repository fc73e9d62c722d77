"""Amounts as Kubernetes writes them back: the canonical form, so that nothing looks changed that isn't."""

_MIB_PER_GIB = 1024


def cpu(cores: float) -> str:
    """CPU cores, to a thousandth: `2`, `250m`."""
    thousandths = round(cores * 1000)
    return str(thousandths // 1000) if thousandths % 1000 == 0 else f"{thousandths}m"


def memory(gib: float) -> str:
    """Memory in GiB, to a MiB: `1Gi`, `512Mi`."""
    mib = round(gib * _MIB_PER_GIB)
    return f"{mib // _MIB_PER_GIB}Gi" if mib % _MIB_PER_GIB == 0 else f"{mib}Mi"


def volume(gb: int) -> str:
    """Storage in decimal GB: `50G`, `2T`."""
    if gb == 0:
        return "0"
    return f"{gb // 1000}T" if gb % 1000 == 0 else f"{gb}G"


GPU = "nvidia.com/gpu"
"""The resource a whole GPU is asked for by; never a share of one."""

MIN_VOLUME_GB = 50
MAX_VOLUME_GB = 2000
"""Bounds of an agent's volume, in decimal GB."""

MIN_MEMORY_GIB = 2.0
"""Least memory of an agent, in GiB: OpenClaw takes 1 GiB, and at its start up to 1.7, beside the model server."""
