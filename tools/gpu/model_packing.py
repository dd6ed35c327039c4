"""A .safetensors file packed exactly, smaller than xz alone would: of numbers of 16 bits the low and the high bytes lie
apart, since only the high ones (sign, exponent, first digits) repeat; the low ones are noise and stay as they are.

The packed form: two 8-byte counts, of low bytes and of all bytes behind the header; the low bytes of the 16-bit tensors, in
the order in which these lie in the file; and an .xz stream: the header with its length before it, the high bytes, everything
else in order.
"""

import json
import lzma
import struct

HALVES = ("F16", "BF16")
# The high bytes are all that gets smaller, and that by how often each occurs: contexts and far matches cost time for nothing.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 0, "lc": 0, "lp": 0, "pb": 0, "mode": lzma.MODE_NORMAL}]


def _header(data):
    """Where the header ends, and what it says."""
    if len(data) < 8:
        raise ValueError("not a safetensors file: shorter than 8 bytes")
    (length,) = struct.unpack_from("<Q", data)
    start = 8 + length
    if start > len(data):
        raise ValueError("not a safetensors file: the header is cut short")
    return start, json.loads(bytes(data[8:start]))


def _places(header, size):
    """Slices of the `size` bytes behind the header, those of low bytes first, then all others in the order of the packed
    form; each byte is in one of them. Raises ValueError where a tensor lies outside or overlaps another."""
    halves, others, at = [], [], 0
    tensors = sorted((*entry["data_offsets"], entry["dtype"]) for key, entry in header.items() if key != "__metadata__")
    for begin, end, dtype in tensors:
        if not at <= begin <= end <= size:
            raise ValueError(f"tensors overlap or leave the file at byte {begin}")
        others.append(slice(at, begin))  # between tensors: usually nothing
        even = dtype in HALVES and (end - begin) % 2 == 0
        (halves if even else others).append(slice(begin, end))
        at = end
    others.append(slice(at, size))
    low, high = ([slice(place.start + byte, place.stop, 2) for place in halves] for byte in (0, 1))
    return low, high + others


def pack(data):
    """The packed form of a .safetensors file's bytes. Raises ValueError where they are none."""
    start, header = _header(data)
    body = memoryview(data)[start:]
    low, others = _places(header, len(body))
    noise = b"".join(body[place].tobytes() for place in low)
    compressor = lzma.LZMACompressor(filters=FILTERS)
    packed = [struct.pack("<QQ", len(noise), len(body)), noise, compressor.compress(data[:start])]
    packed += [compressor.compress(body[place].tobytes()) for place in others]
    return b"".join(packed) + compressor.flush()


def unpack(packed):
    """The bytes that pack() was given."""
    noise, size = struct.unpack_from("<QQ", packed)
    first, second = memoryview(packed)[16:16 + noise], memoryview(lzma.decompress(packed[16 + noise:]))
    start, header = _header(second)
    body = bytearray(size)
    for stream, at, places in zip((first, second), (0, start), _places(header, size)):
        for place in places:
            length = len(range(*place.indices(size)))
            body[place] = stream[at:at + length]
            at += length
    return bytes(second[:start]) + bytes(body)
