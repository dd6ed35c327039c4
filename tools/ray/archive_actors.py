"""What Ray Data's actors compute: classes for Dataset.map_batches, each with an Engine of its own.

Ray Data has the actors, gives them their work and starts those that die again (max_restarts and max_task_retries are
unlimited in its pools); nothing of that is done here. It gives the same work to an actor that died of it for ever, though,
so a block's tries are noted in the folder of results: see archive_blocks.Try.
"""

import dataclasses
import hashlib
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import archive_files as files
import giemsa
import numpy as np
import pyarrow as pa
from archive_blocks import Block, difference
from archive_results import Results, SettingsDiffer
from archive_tables import cell_rows, cell_schema, image_row, image_schema
from giemsa import Cells, DeviceError, Engine, ImageError


@dataclasses.dataclass(frozen=True)
class Computing:
    """How images are computed."""

    engine: dict[str, Any]
    """Engine's arguments."""
    options: dict[str, Any]
    """Engine.identify's."""
    facts: dict[str, Any] | None = None
    """What the manifest says of the engine; an actor that finds another one refuses. None: anything goes."""


def facts_of(engine):
    """What results depend on: version, precision, classes, and models by SHA-256, wherever a machine has their files."""
    told = engine.provenance
    models = {role: told[role] and told[role]["sha256"] for role in ("segmenter", "classifier", "profile")}
    return {"giemsa": told["giemsa"], "precision": told["precision"], "classes": list(engine.classes), **models}


def try_engine(computing):
    """Opens the engine and computes an image, which refuses models, devices and options that cannot be used. Tells what
    results depend on."""
    with Engine(**computing.engine) as engine:
        engine.identify(np.zeros((64, 64, 3), np.uint8), **computing.options)
        return facts_of(engine)


class ImageIdentifier:
    """Cells of encoded images. One that cannot be used is Cells with an error."""

    def __init__(self, computing: Computing):
        self.engine = Engine(**computing.engine)
        self.options = computing.options
        facts = facts_of(self.engine)
        if computing.facts is not None and (why := difference(computing.facts, facts)):
            raise SettingsDiffer(f"{os.uname().nodename}: {why}")
        self.image_schema, self.cell_schema = image_schema(self.engine.classes), cell_schema(self.engine.classes)

    def failed(self, name, error):
        return Cells.failed(name, error, self.engine.classes, self.engine.provenance)

    def read(self, address, name, data=None):
        """The SHA-256 of a file's bytes, None where they cannot be read, and its pixels or an error."""
        digest = None
        try:
            data = files.read(address) if data is None else data
            digest = hashlib.sha256(data).hexdigest()
            return digest, giemsa.read_image(NamedBytes(data, name))
        except Exception as error:  # whatever a decoder raises of hostile bytes is the image's fault
            return digest, error

    def identify(self, name, pixels):
        """The cells of what read() gave."""
        if isinstance(pixels, ImageError):
            return self.failed(name, str(pixels))
        if isinstance(pixels, Exception):
            return self.failed(name, f"{name}: {getattr(pixels, 'strerror', None) or str(pixels) or type(pixels).__name__}")
        try:
            return self.engine.identify(pixels, **self.options).of_file(name, 0.0)
        except (ImageError, MemoryError) as error:
            return self.failed(name, f"{name}: {str(error) or 'not enough memory'}")
        except DeviceError as error:
            if error.status == "GIEMSA_E_DEVICE_LOST":
                os._exit(1)  # only a new process helps: Ray starts one
            raise


class NamedBytes(io.BytesIO):
    """A file in memory, whose name errors mention."""

    def __init__(self, data, name):
        super().__init__(data)
        self.name = name


class BlockIdentifier:
    """Computes blocks and writes their tables. A batch is one block: columns `files`, a JSON list. It becomes a row of counts."""

    def __init__(self, out, computing: Computing):
        self.results = Results(out)
        self.identifier = ImageIdentifier(computing)

    def __call__(self, batch):
        block = Block(tuple(json.loads(batch["files"][0])))
        images = self.results.block(block.id)
        if images is None:
            images = self._compute(block)
        ok = images["ok"].to_pylist()
        return {"images": [len(ok)], "failed": [ok.count(False)]}

    def _compute(self, block):
        now = self.results.begin_try(block.id)
        found = self._all(block.files) if now.whole else self._one_by_one(block, now)
        rows, cells = zip(*((image_row(cells, digest), cell_rows(cells)) for digest, cells in found))
        about = {"giemsa": json.dumps(dict(self.identifier.engine.provenance))}
        images = pa.Table.from_pylist(list(rows), schema=self.identifier.image_schema).replace_schema_metadata(about)
        self.results.write_block(block.id, images, pa.concat_tables(cells).replace_schema_metadata(about))
        return images

    def _all(self, addresses):
        """SHA-256 and Cells of each image, the next one read while one is computed."""
        with ThreadPoolExecutor(1) as reader:
            reads = [reader.submit(self.identifier.read, address, files.printable(address)) for address in addresses[:1]]
            for address, following in zip(addresses, (*addresses[1:], None)):
                digest, pixels = reads.pop().result()
                if following is not None:
                    reads.append(reader.submit(self.identifier.read, following, files.printable(following)))
                yield digest, self.identifier.identify(files.printable(address), pixels)

    def _one_by_one(self, block, now):
        """The same, each image noted before it is touched: the next process sees which one this process died of."""
        for address in block.files:
            name = files.printable(address)
            if address in now.given_up:
                yield None, self.identifier.failed(name, f"{name}: {now.deaths[address]} processes died while they computed it")
                continue
            self.results.note(block.id, dataclasses.replace(now, under_way=address))
            digest, pixels = self.identifier.read(address, name)
            yield digest, self.identifier.identify(name, pixels)


class DatasetIdentifier:
    """Computes the images of a Dataset of people's own: columns "path", "bytes" or both. Each becomes a row of the images'
    table, with the rows of its cells in the column `found`."""

    def __init__(self, computing: Computing):
        self.identifier = ImageIdentifier(computing)
        found = pa.field("found", pa.list_(pa.struct(list(self.identifier.cell_schema))))
        self.schema = self.identifier.image_schema.append(found)

    def __call__(self, batch: pa.Table) -> pa.Table:
        rows = []
        for row in batch.to_pylist():
            name = row.get("path") or "image"
            digest, pixels = self.identifier.read(name, name, row.get("bytes"))
            cells = self.identifier.identify(name, pixels)
            rows.append(image_row(cells, digest) | {"found": cell_rows(cells).to_pylist()})
        return pa.Table.from_pylist(rows, schema=self.schema)
