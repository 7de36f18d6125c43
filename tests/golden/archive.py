"""Archives of the test files that tests unpack."""

import gzip
import io
import pathlib
import tarfile


def write(script, files):
    """Write `files` (bytes by name) to the tar.gz that stands beside `script` and has its name; no times, no owners."""
    target = pathlib.Path(script).with_suffix(".tar.gz")
    with open(target, "wb") as out, gzip.GzipFile("", "wb", fileobj=out, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name, data in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    print(f"{target}: {len(files)} files, {target.stat().st_size} bytes")
