"""What can go wrong, as exceptions. A lack of memory is Python's own MemoryError."""


class GiemsaError(Exception):
    """`args[0]` is one line: what, which file or layer, expected and actual."""

    status: str
    """The library's name for it, for example "GIEMSA_E_MODEL"."""

    def __init__(self, message: str, status: str = "GIEMSA_E_INTERNAL") -> None:
        super().__init__(message)
        self.status = status


class UsageError(GiemsaError, ValueError):
    """An argument is out of its range."""

    def __init__(self, message: str, status: str = "GIEMSA_E_ARGUMENT") -> None:
        super().__init__(message, status)


class ImageError(GiemsaError, ValueError):
    """This image cannot be used."""

    def __init__(self, message: str, status: str = "GIEMSA_E_IMAGE") -> None:
        super().__init__(message, status)


class ModelError(GiemsaError):
    """A model cannot be used, or not in this role, or there is none."""

    def __init__(self, message: str, status: str = "GIEMSA_E_MODEL") -> None:
        super().__init__(message, status)


class DeviceError(GiemsaError, RuntimeError):
    """The device cannot be used. With status "GIEMSA_E_DEVICE_LOST" it failed while it computed: only a new process helps."""

    def __init__(self, message: str, status: str = "GIEMSA_E_DEVICE") -> None:
        super().__init__(message, status)


class SelftestError(GiemsaError, RuntimeError):
    """Something is computed wrongly on this machine: do not use its results."""

    def __init__(self, message: str, status: str = "GIEMSA_E_SELFTEST") -> None:
        super().__init__(message, status)


class Cancelled(GiemsaError):
    """The engine was closed while it computed."""

    def __init__(self, message: str, status: str = "GIEMSA_E_CANCELLED") -> None:
        super().__init__(message, status)


_CLASSES: dict[str, type[GiemsaError]] = {
    "GIEMSA_E_ARGUMENT": UsageError,
    "GIEMSA_E_IMAGE": ImageError,
    "GIEMSA_E_MODEL": ModelError,
    "GIEMSA_E_DEVICE": DeviceError,
    "GIEMSA_E_DEVICE_LOST": DeviceError,
    "GIEMSA_E_SELFTEST": SelftestError,
    "GIEMSA_E_CANCELLED": Cancelled,
}


def error_of(status: str, message: str) -> Exception:
    """The exception for a status of the library. The extension module calls this."""
    if status == "GIEMSA_E_MEMORY":
        return MemoryError(message)
    return _CLASSES.get(status, GiemsaError)(message, status)
