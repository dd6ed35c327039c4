"""The colors of the classes and of what has no class, the same as the command's."""

_PALETTE = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (240, 228, 66), (86, 180, 233), (230, 159, 0), (204, 121, 167))


_NO_CLASS = (128, 128, 128)


def class_color(class_index: int) -> tuple[int, int, int]:
    """Red, green, blue: Okabe and Ito's palette ("Color Universal Design", 2008)."""
    return _PALETTE[class_index % len(_PALETTE)]


def color_of(name: str | None, class_index: int) -> tuple[int, int, int]:
    """Of a cell that is called so: its class's; grey where it is unsure, no white cell, or without a classifier."""
    return _NO_CLASS if name in ("unsure", "other", None) else class_color(class_index)
