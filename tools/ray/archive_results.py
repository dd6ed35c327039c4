"""The folder of results: which images are done, and a block's tables, written whole or not at all.

    manifest.json           models by SHA-256 and settings: results of others never mix with them
    images/<block>.parquet  a row per image; the block is done when this file is there
    cells/<block>.parquet   a row per cell, the columns of the command's cells.csv
    tries/<block>.json      while a block is computed
"""

import dataclasses
import io
import json
import os

import archive_files as files
from archive_blocks import Try, difference


class SettingsDiffer(ValueError):
    """The folder's results were made with other models or settings."""


class Results:
    """At an address, which every process of the cluster reaches."""

    def __init__(self, out):
        self.out = out if files.is_remote(out) else os.path.abspath(out)
        self._lock = None

    def _file(self, folder, block_id, suffix):
        return files.join(self.out, folder, block_id + suffix)

    def open(self, manifest):
        """Starts results, or goes on with those that are there. Raises SettingsDiffer where they are not `manifest`'s, and
        OSError."""
        try:
            self._lock = files.lock(self.out)
        except BlockingIOError as error:
            raise SettingsDiffer(f"{self.out}: another run is writing there") from error
        try:
            self._check(manifest)
        except BaseException:
            self.close()
            raise

    def _check(self, manifest):
        name = files.join(self.out, "manifest.json")
        if files.exists(name):
            if why := difference(json.loads(files.read(name)), manifest):
                raise SettingsDiffer(f"{self.out}: {why}; give another folder, or the same models and settings")
            return
        if taken := {"images", "cells", "tries"} & set(files.names_in(self.out)):
            raise SettingsDiffer(f"{self.out} has no manifest.json, but {', '.join(sorted(taken))}: give another folder")
        files.write(name, json.dumps(manifest, indent=2).encode())

    def close(self):
        """Lets another run write there."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def finished_blocks(self):
        """The blocks that are done."""
        return {name.removesuffix(".parquet") for name in files.names_in(files.join(self.out, "images"))}

    def remove_unfinished(self, failed=False):
        """Removes cells that a killed process wrote without their images: cut otherwise, the images would have them twice.
        With `failed`, also the blocks in which an image failed."""
        finished = self.finished_blocks()
        for block_id in sorted(finished) if failed else ():
            if not all(self.block(block_id)["ok"].to_pylist()):
                files.remove(self._file("images", block_id, ".parquet"))
                finished.remove(block_id)
        for name in files.names_in(files.join(self.out, "cells")):
            if name.removesuffix(".parquet") not in finished:
                files.remove(files.join(self.out, "cells", name))

    def images(self, columns):
        """These columns of all images that are done, a pyarrow table; None where there are none."""
        import pyarrow.dataset

        paths = [self._file("images", block_id, ".parquet") for block_id in sorted(self.finished_blocks())]
        if not paths:
            return None
        filesystem = None
        if files.is_remote(self.out):
            filesystem, paths = files.remote(paths[0])[0], [files.remote(path)[1] for path in paths]
        return pyarrow.dataset.dataset(paths, format="parquet", filesystem=filesystem).to_table(columns=columns)

    def block(self, block_id):
        """The table of a block's images, None where it is not done."""
        import pyarrow.parquet

        name = self._file("images", block_id, ".parquet")
        return pyarrow.parquet.read_table(io.BytesIO(files.read(name))) if files.exists(name) else None

    def write_block(self, block_id, images, cells):
        """Writes a block's tables; nothing is left of its tries."""
        import pyarrow.parquet

        for folder, table in (("cells", cells), ("images", images)):
            data = io.BytesIO()
            pyarrow.parquet.write_table(table, data)
            files.write(self._file(folder, block_id, ".parquet"), data.getvalue())
        files.remove(self._file("tries", block_id, ".json"))

    def begin_try(self, block_id):
        """Notes that this process starts a block, and returns its Try."""
        name = self._file("tries", block_id, ".json")
        now = Try(**json.loads(files.read(name))).next() if files.exists(name) else Try()
        self.note(block_id, now)
        return now

    def note(self, block_id, now):
        """Notes the state of a try."""
        files.write(self._file("tries", block_id, ".json"), json.dumps(dataclasses.asdict(now)).encode())
