"""The device and the number format that a network computes in; never a silent fallback."""

import torch

from dcvsr_engine.errors import ModelError
from dcvsr_engine.host_memory import host_memory
from dcvsr_engine.settings import Device, Precision, kind_of

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def resolve_device(device: str) -> Device:
    """Resolve ``auto`` to the fastest device; raises `ModelError` when the device that was asked for is not available.

    Of several devices, this process computes on the one that it sees; see `worker.crew`.
    """
    there = available_devices()
    if device == "auto":
        return there[0]
    found = next((name for name in there if name == kind_of(device)), None)
    if found is None:
        raise ModelError(f"The device “{device}” is not available here; choose one of auto, {', '.join(there)}.")
    return found


def cards() -> list[tuple[str, str, int]]:
    """Of several CUDA cards, the name of each as in the settings, its title, and its memory in bytes."""
    count = torch.cuda.device_count()
    found = [torch.cuda.get_device_properties(number) for number in range(count if count > 1 else 0)]
    return [(f"cuda:{number}", str(card.name), int(card.total_memory)) for number, card in enumerate(found)]


def available_devices() -> list[Device]:
    """List the devices of this machine, the fastest first."""
    there: list[Device] = ["cpu"]
    if torch.backends.mps.is_available():
        there.insert(0, "mps")
    if torch.xpu.is_available():
        there.insert(0, "xpu")
    if torch.cuda.is_available():
        there.insert(0, "cuda")
    return there


def resolve_precision(precision: Precision, device: Device) -> Precision:
    """Resolve ``auto`` to bf16 where the device computes it natively, else to fp16 (GPU) or fp32 (processor)."""
    # emulated bf16 is slower than fp32 and loses digits for nothing
    if precision != "auto":
        return precision
    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    if device == "xpu":
        return "bf16" if torch.xpu.is_bf16_supported() else "fp16"
    if device == "mps":
        return "fp16"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() else "fp32"


def device_title(device: Device) -> str:
    """Describe a device in words."""
    if device == "cuda":
        # PyTorch's builds for AMD call their GPUs CUDA, too
        return str(torch.cuda.get_device_name()) + (" (ROCm)" if torch.version.hip else "")
    if device == "xpu":
        return str(torch.xpu.get_device_name())
    threads = torch.get_num_threads()
    return {"mps": "Apple GPU", "cpu": f"processor, {threads} thread{'s' * (threads > 1)}"}[device]


def memory(device: str) -> tuple[int, int]:
    """Measure a device's memory; the processor and Apple's GPU share the machine's.

    Returns:
        Bytes that this process can have, with what PyTorch's cache holds for it already, and bytes in total.
    """
    if device == "cuda":
        free, total = torch.cuda.mem_get_info()
        return int(free) + torch.cuda.memory_reserved(), int(total)
    if device == "xpu":
        free, total = torch.xpu.mem_get_info()
        return int(free) + torch.xpu.memory_reserved(), int(total)
    return host_memory()
