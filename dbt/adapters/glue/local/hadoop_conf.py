"""Hadoop properties that make `s3://bucket/key` a file under the local Glue folder.

The same properties go into Spark's conf (as `spark.hadoop.*`) and into the metastore's
core-site.xml, so that both see one S3.
"""

from pathlib import Path

_VIEWFS = "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"
_LOCAL = "org.apache.hadoop.fs.RawLocalFileSystem"


def mount_table_folder(local_dir: Path) -> Path:
    """The folder of `mount-table.<n>.xml`: one property per bucket,
    `fs.viewfs.mounttable.<bucket>.linkFallback = rawfile:///…/s3/<bucket>`.

    Hadoop takes the file with the highest n when it first opens a bucket
    (HCFSMountTableConfigLoader), so a new bucket needs a new file and nothing else.
    """
    return local_dir / "mounts"


def hadoop_properties(local_dir: Path) -> dict[str, str]:
    """Property -> value; `mount_table_folder` must hold at least one mount table."""
    return {
        "fs.s3.impl": _VIEWFS,
        "fs.s3a.impl": _VIEWFS,
        "fs.s3n.impl": _VIEWFS,
        # The mounts point to rawfile:///…: RawLocalFileSystem leaves no .crc files, while what
        # needs file:// to be a LocalFileSystem (FileSystem.getLocal casts to it) still finds one.
        "fs.rawfile.impl": _LOCAL,
        # MountTableConfigLoader makes a Path of this text without decoding it: no %20 for a space.
        "fs.viewfs.overload.scheme.target.file.impl": _LOCAL,
        "fs.viewfs.mounttable.path": f"file://{mount_table_folder(local_dir).absolute()}",
        # core-default.xml names a committer of the hadoop-aws jar for s3a, which is not here.
        "mapreduce.outputcommitter.factory.scheme.s3a": (
            "org.apache.hadoop.mapreduce.lib.output.FileOutputCommitterFactory"
        ),
    }
