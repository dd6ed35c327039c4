"""Files of an archive and of its results, by address: a path on this machine, or "s3://bucket/key" and whatever else
pyarrow.fs opens. Paths need the standard library alone.

Addresses hold their characters as they are: nothing is percent-encoded. "?" starts pyarrow's options, for example
"s3://bucket/key?endpoint_override=localhost:9000".
"""

import fcntl
import functools
import glob
import os
import re

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*://)([^/?]*)([^?]*)(\?.*)?", re.IGNORECASE)


class InputError(ValueError):
    """An INPUT that cannot be used."""


def is_remote(address):
    return _ADDRESS.match(address) is not None


def join(folder, *names):
    """The address of a file in a folder."""
    if not is_remote(folder):
        return os.path.join(folder, *names)
    scheme, host, path, options = _ADDRESS.fullmatch(folder).groups(default="")
    return f"{scheme}{host}{'/'.join((path.rstrip('/'), *names))}{options}"


@functools.cache
def _filesystem(root):
    """pyarrow's file system, and the path of its root. Cached: opening one looks for credentials and regions."""
    import pyarrow.fs

    return pyarrow.fs.FileSystem.from_uri(root)


def remote(address):
    """pyarrow's file system and the path in it."""
    scheme, host, path, options = _ADDRESS.fullmatch(address).groups(default="")
    filesystem, base = _filesystem(scheme + host + options)
    return filesystem, base.rstrip("/") + path if base else path.lstrip("/")


def read(address):
    """A file's bytes. Raises OSError."""
    if not is_remote(address):
        with open(address, "rb") as file:
            return file.read()
    filesystem, path = remote(address)
    with filesystem.open_input_stream(path) as stream:
        return stream.read()


def write(address, data):
    """Writes a file whole or not at all, and its folder where there is none. Object stores do so by themselves."""
    if is_remote(address):
        filesystem, path = remote(address)
        filesystem.create_dir(os.path.dirname(path), recursive=True)
        with filesystem.open_output_stream(path) as stream:
            stream.write(data)
        return
    folder, name = os.path.split(address)
    os.makedirs(folder, exist_ok=True)
    part = os.path.join(folder, f".{name}.{os.getpid()}.part")
    with open(part, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, address)


def remove(address):
    """Removes a file that may be gone already."""
    try:
        if is_remote(address):
            filesystem, path = remote(address)
            filesystem.delete_file(path)
        else:
            os.remove(address)
    except FileNotFoundError:
        pass


def exists(address):
    if not is_remote(address):
        return os.path.exists(address)
    filesystem, path = remote(address)
    return filesystem.get_file_info(path).type.name != "NotFound"


def names_in(folder):
    """The names of what is in a folder, sorted, hidden files apart; [] where there is no such folder."""
    if is_remote(folder):
        import pyarrow.fs

        filesystem, path = remote(folder)
        names = [info.base_name for info in filesystem.get_file_info(pyarrow.fs.FileSelector(path, allow_not_found=True))]
    else:
        names = os.listdir(folder) if os.path.isdir(folder) else []
    return sorted(name for name in names if not name.startswith("."))


def lock(folder):
    """Keeps the folder from a second run until this process ends, and returns what holds the lock. Object stores have no
    locks: None. Raises BlockingIOError where another run holds it."""
    if is_remote(folder):
        return None
    os.makedirs(folder, exist_ok=True)
    file = open(os.path.join(folder, ".lock"), "ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise
    return file


def _below(folder, suffixes):
    """Files with one of the suffixes in a folder of this machine and below it. Hidden files and folders are skipped,
    symbolic links to folders are not followed."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = os.path.join(parent, name)
            if not name.startswith(".") and name.lower().endswith(suffixes) and os.path.isfile(path):
                yield path


def _below_remote(folder, suffixes):
    """The same of a folder elsewhere, or the one file that the address means."""
    import pyarrow.fs

    filesystem, path = remote(folder)
    info = filesystem.get_file_info(path)
    if info.type == pyarrow.fs.FileType.File:
        yield folder
    elif info.type == pyarrow.fs.FileType.Directory:
        for info in filesystem.get_file_info(pyarrow.fs.FileSelector(path, recursive=True)):
            below = info.path[len(path):].strip("/")
            hidden = any(name.startswith(".") for name in below.split("/"))
            if info.type == pyarrow.fs.FileType.File and not hidden and below.lower().endswith(suffixes):
                yield join(folder, *below.split("/"))
    else:
        raise InputError(f"{folder}: no such file or folder")


def _expand(text, suffixes):
    """The images that one INPUT means."""
    if is_remote(text):
        yield from _below_remote(text, suffixes)
        return
    path = os.path.abspath(text)
    matches = [path] if os.path.exists(path) else sorted(glob.glob(path, recursive=True))
    if not matches:
        raise InputError(f"{text}: no such file or folder, and no file matches it")
    for match in matches:
        if os.path.isdir(match):
            yield from _below(match, suffixes)
        else:
            yield match


def find_images(inputs, lists, suffixes):
    """The addresses of all images, each once, sorted. Paths become absolute, so that they mean the same on every machine that
    shares the folder. Raises InputError, OSError.

    inputs    files, of any name; folders, in which files with one of the `suffixes` are taken; patterns ("**" too)
    lists     text files with an address per line. They are taken as they stand: looking for millions of files takes long,
              and one that is missing becomes a row with its error
    """
    found = {image for text in inputs for image in _expand(text, suffixes)}
    for name in lists:
        for line in os.fsdecode(read(name)).splitlines():
            if line.strip():
                found.add(line.strip() if is_remote(line.strip()) else os.path.abspath(line.strip()))
    return sorted(found)


def printable(address):
    """The address as text: bytes that are not UTF-8 become \\xHH, as in the command's tables."""
    return os.fsencode(address).decode("utf-8", "backslashreplace")
