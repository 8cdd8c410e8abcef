"""The file from which Hadoop learns which folder a bucket is.

`ViewFileSystemOverloadScheme` reads `<fs.viewfs.mounttable.path>/mount-table.<n>.xml` with the
highest n when it first opens a bucket, so a running session sees a bucket that was made later.
"""

import os
import threading
from pathlib import Path
from xml.etree import ElementTree

# A session that has listed the folder may still be about to open the version it saw.
_KEPT_VERSIONS = 4


class MountTable:
    """`folder` holds versions of the table and nothing else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._draft = folder.parent / "mount-table.draft"
        self._lock = threading.Lock()

    def write(self, buckets: dict[str, Path]) -> Path:
        """Bucket -> its folder, as a new version; old versions go. Nothing happens if equal."""
        text = _document(buckets)
        with self._lock:
            versions = self._versions()
            if versions and versions[-1][1].read_bytes() == text:
                return versions[-1][1]
            number = versions[-1][0] + 1 if versions else 1
            path = self._folder / f"mount-table.{number}.xml"
            self._draft.write_bytes(text)
            os.replace(self._draft, path)
            for _, old in versions[: -(_KEPT_VERSIONS - 1)]:
                old.unlink(missing_ok=True)
        return path

    def _versions(self) -> list[tuple[int, Path]]:
        return sorted(
            (int(path.name.split(".")[1]), path) for path in self._folder.glob("mount-table.*.xml")
        )


def _document(buckets: dict[str, Path]) -> bytes:
    root = ElementTree.Element("configuration")
    for bucket, folder in buckets.items():
        item = ElementTree.SubElement(root, "property")
        name = f"fs.viewfs.mounttable.{bucket}.linkFallback"
        ElementTree.SubElement(item, "name").text = name
        # rawfile:// is RawLocalFileSystem (hadoop_conf.py), which writes no .crc files.
        target = "raw" + folder.absolute().as_uri()
        ElementTree.SubElement(item, "value").text = target
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
