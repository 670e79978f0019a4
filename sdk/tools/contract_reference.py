# SPDX-License-Identifier: Apache-2.0
"""Writes docs/plugins/contract.md from the contract's .proto files and their comments.

    contract_reference.py [--check]

Needs `protoc` and the protobuf package of the pinned Python. With --check it writes nothing, and exits with 1 when the page is
not what the files say.
"""

import pathlib
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROTOS = ROOT / "plugin_api" / "proto"
PAGE = ROOT / "docs" / "plugins" / "contract.md"
# In the order of reading: what all share, then each capability.
ORDER = ["common", "process", "run_backend", "test_backend", "resource"]
HEAD = """# The contract: messages of plugins

Generated from `plugin_api/proto` by `sdk/tools/contract_reference.py`; an installed SDK has the files in `share/dcp_sdk/proto`.
A plugin whose manifest says `"encoding": "json"` gets and answers the messages in protobuf's JSON form: the names below,
64-bit numbers as text, `bytes` in base64, enums by name; what is absent has its type's zero. With `"encoding": "protobuf"` they
are the binary form. A method's request is `METHODRequest`, its answer `METHODResponse`, unless it is said otherwise. Fields are
only ever added, so ignore those that you do not know.
"""
Field = descriptor_pb2.FieldDescriptorProto


def describe():
    with tempfile.NamedTemporaryFile() as out:
        names = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("dcp/contract/v1/*.proto"))
        subprocess.run(
            ["protoc", f"-I{PROTOS}", "--include_source_info", f"--descriptor_set_out={out.name}", *names], check=True)
        found = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(out.name).read_bytes())
    files = {pathlib.PurePath(file.name).stem: file for file in found.file}
    return [files.pop(stem) for stem in ORDER if stem in files] + [files[stem] for stem in sorted(files)]


class Comments:
    def __init__(self, file):
        self.by_path = {tuple(place.path): place for place in file.source_code_info.location}
        syntax = self.by_path.get((12,))
        blocks = list(syntax.leading_detached_comments) if syntax else []
        blocks += [syntax.leading_comments] if syntax else []
        blocks = [self.joined(block) for block in blocks]
        self.file = "\n\n".join(block for block in blocks if block and "SPDX" not in block)
        if syntax and not self.file:
            self.file = "\n\n".join(block.split("Apache-2.0", 1)[-1].strip() for block in blocks)

    @staticmethod
    def joined(text):
        return " ".join(line.strip() for line in text.strip().splitlines() if "SPDX" not in line).strip()

    def of(self, *path):
        place = self.by_path.get(path)
        return self.joined(place.leading_comments or place.trailing_comments) if place else ""


def type_of(field, maps):
    if field.type_name in maps:
        key, value = maps[field.type_name].field
        return f"map of {type_of(key, maps)} to {type_of(value, maps)}"
    if field.type_name:
        name = field.type_name.rpartition(".")[2]
        text = f"`{name}`"
    else:
        text = Field.Type.Name(field.type).removeprefix("TYPE_").lower()
    return f"list of {text}" if field.label == Field.LABEL_REPEATED else text


def cell(text):
    return text.replace("|", "\\|")


def message_lines(message, comments, path, outer=""):
    name = outer + message.name
    lines = ["", f"### {name}", ""]
    if comments.of(*path):
        lines += [comments.of(*path), ""]
    maps = {}
    for nested in message.nested_type:
        if nested.options.map_entry:
            maps[f".dcp.contract.v1.{name}.{nested.name}"] = nested
    if message.field:
        lines += ["| field | type | number | meaning |", "| --- | --- | --- | --- |"]
    else:
        lines += ["No fields."]
    for index, field in enumerate(message.field):
        note = comments.of(*path, 2, index)
        if field.HasField("oneof_index") and not field.proto3_optional:
            note = f"one of `{message.oneof_decl[field.oneof_index].name}`; {note}".rstrip("; ")
        lines.append(f"| `{field.json_name}` | {cell(type_of(field, maps))} | {field.number} | {cell(note)} |")
    for index, nested in enumerate(message.nested_type):
        if not nested.options.map_entry:
            lines += message_lines(nested, comments, (*path, 3, index), name + ".")
    for index, enum in enumerate(message.enum_type):
        lines += enum_lines(enum, comments, (*path, 4, index), name + ".")
    return lines


def enum_lines(enum, comments, path, outer=""):
    lines = ["", f"### {outer}{enum.name}", ""]
    if comments.of(*path):
        lines += [comments.of(*path), ""]
    lines += ["| value | number | meaning |", "| --- | --- | --- |"]
    for index, value in enumerate(enum.value):
        lines.append(f"| `{value.name}` | {value.number} | {cell(comments.of(*path, 2, index))} |")
    return lines


def page():
    lines = [HEAD.rstrip("\n")]
    for file in describe():
        comments = Comments(file)
        lines += ["", f"## {pathlib.PurePath(file.name).name}"]
        if comments.file:
            lines += ["", comments.file]
        for index, message in enumerate(file.message_type):
            lines += message_lines(message, comments, (4, index))
        for index, enum in enumerate(file.enum_type):
            lines += enum_lines(enum, comments, (5, index))
    return "\n".join(lines) + "\n"


def main():
    text = page()
    if "--check" not in sys.argv[1:]:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    print(f"{PAGE.relative_to(ROOT)} is not what the .proto files say: run sdk/tools/contract_reference.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
