# SPDX-License-Identifier: Apache-2.0
"""Stands in for meson-python while pip downloads a source distribution of which only the sources are wanted.

pip asks the build backend for a package's metadata even when it installs nothing. The real one would fetch itself, Cython and
meson without a pin, and run them, for a minute or two; the metadata that it would answer lies in the archive as PKG-INFO.
"""

import email.parser
import pathlib


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    text = pathlib.Path("PKG-INFO").read_text(encoding="utf-8")
    package = email.parser.HeaderParser().parsestr(text)
    folder = pathlib.Path(metadata_directory) / f"{package['Name']}-{package['Version']}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(text, encoding="utf-8")
    return folder.name
