"""The colors of the classes, the same as the command's."""

_PALETTE = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (240, 228, 66), (86, 180, 233), (230, 159, 0), (204, 121, 167))


def class_color(class_index: int) -> tuple[int, int, int]:
    """Red, green, blue: Okabe and Ito's palette ("Color Universal Design", 2008)."""
    return _PALETTE[class_index % len(_PALETTE)]
