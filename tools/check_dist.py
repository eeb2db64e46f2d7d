"""Check the archives of ``dist/`` before an upload: their metadata, version and contents.

`make dist` runs it. PyPI refuses what it finds, and needs no asking for that.
"""

import sys
import tarfile
import zipfile
from pathlib import Path

from packaging.metadata import Metadata

PROJECT = Path(__file__).resolve().parents[1]


def main():
    (wheel,), (source,) = ((PROJECT / "dist").glob(kind) for kind in ("*.whl", "*.tar.gz"))
    version = {}
    exec((PROJECT / "sklearn_ecg" / "_version.py").read_text(encoding="utf-8"), version)
    stem = f"sklearn_ecg-{version['__version__']}"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        of_wheel = archive.read(f"{stem}.dist-info/METADATA")
    with tarfile.open(source) as archive:
        names += archive.getnames()
        of_source = archive.extractfile(f"{stem}/PKG-INFO").read()
    for text in (of_wheel, of_source):
        metadata = Metadata.from_email(text, validate=True)  # an ExceptionGroup names what is wrong
        assert f"{metadata.name}-{metadata.version}" == stem
        assert metadata.description and metadata.description_content_type == "text/markdown"
    for needed in (
        f"{stem}.dist-info/entry_points.txt",
        f"{stem}.dist-info/licenses/LICENSE",
        *(
            f"{stem}/{name}"
            for name in ("LICENSE", "CITATION.cff", "Makefile", "tests/conftest.py")
        ),
    ):
        if needed not in names:
            sys.exit(f"{needed} is missing in dist/")
    print(f"{wheel.name} and {source.name} can be uploaded.")


if __name__ == "__main__":
    main()
