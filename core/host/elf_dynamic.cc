// SPDX-License-Identifier: Apache-2.0
//
// The reader of a shared object's dynamic part.
#include "host/elf_dynamic.h"

#include <elf.h>

#include <cstring>
#include <optional>
#include <string_view>

#include "os/file.h"

namespace dcp::host {
namespace {

/// A file's bytes, and its loadable parts.
class Image {
 public:
  explicit Image(std::string_view bytes) : bytes_(bytes) {}

  /// The structure at a place of the file, or nothing when it does not lie inside.
  template <typename T>
  std::optional<T> At(uint64_t offset) const {
    if (offset > bytes_.size() || sizeof(T) > bytes_.size() - offset) return std::nullopt;
    T out;
    std::memcpy(&out, bytes_.data() + offset, sizeof(T));
    return out;
  }
  std::string_view Slice(uint64_t offset, uint64_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) return {};
    return bytes_.substr(offset, size);
  }
  void AddLoad(const Elf64_Phdr& part) { loads_.push_back(part); }
  /// Where in the file an address of the loaded object lies.
  std::optional<uint64_t> OffsetOf(uint64_t address) const {
    for (const Elf64_Phdr& part : loads_) {
      if (address < part.p_vaddr || address - part.p_vaddr >= part.p_filesz) continue;
      return part.p_offset + (address - part.p_vaddr);
    }
    return std::nullopt;
  }

 private:
  std::string_view bytes_;
  std::vector<Elf64_Phdr> loads_;
};

/// The NUL-terminated text at `offset`, or "" when it does not end inside the table.
std::string TextAt(std::string_view table, uint64_t offset) {
  if (offset >= table.size()) return {};
  const size_t end = table.find('\0', offset);
  if (end == std::string_view::npos) return {};
  return std::string(table.substr(offset, end - offset));
}

struct DynamicTable {
  std::vector<Elf64_Dyn> entries;
  std::string_view strings;
};

std::optional<DynamicTable> ReadTable(Image& image, const Elf64_Ehdr& header, DynamicFacts& facts) {
  std::optional<Elf64_Phdr> dynamic;
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    const auto part = image.At<Elf64_Phdr>(header.e_phoff + i * sizeof(Elf64_Phdr));
    if (!part) return std::nullopt;
    if (part->p_type == PT_LOAD) image.AddLoad(*part);
    if (part->p_type == PT_DYNAMIC) dynamic = part;
    if (part->p_type == PT_GNU_RELRO) facts.relro = true;
    if (part->p_type == PT_GNU_STACK) facts.executable_stack = (part->p_flags & PF_X) != 0;
  }
  if (!dynamic) return std::nullopt;
  DynamicTable table;
  std::optional<uint64_t> strings_at;
  uint64_t strings_size = 0;
  for (uint64_t i = 0; i < kDynamicEntriesMax; ++i) {
    const auto entry = image.At<Elf64_Dyn>(dynamic->p_offset + i * sizeof(Elf64_Dyn));
    if (!entry) return std::nullopt;
    if (entry->d_tag == DT_NULL) {
      if (!strings_at) return std::nullopt;
      table.strings = image.Slice(*strings_at, strings_size);
      if (table.strings.empty()) return std::nullopt;
      return table;
    }
    if (entry->d_tag == DT_STRTAB) strings_at = image.OffsetOf(entry->d_un.d_ptr);
    if (entry->d_tag == DT_STRSZ) strings_size = entry->d_un.d_val;
    table.entries.push_back(*entry);
  }
  return std::nullopt;
}

void ReadEntries(const DynamicTable& table, DynamicFacts& facts) {
  for (const Elf64_Dyn& entry : table.entries) {
    switch (entry.d_tag) {
      case DT_NEEDED:
        facts.needed.push_back(TextAt(table.strings, entry.d_un.d_val));
        break;
      case DT_RPATH:
      case DT_RUNPATH:
        facts.search_path = TextAt(table.strings, entry.d_un.d_val);
        break;
      case DT_AUXILIARY:
        facts.hooks.emplace_back("AUXILIARY");
        break;
      case DT_FILTER:
        facts.hooks.emplace_back("FILTER");
        break;
      case DT_AUDIT:
      case DT_DEPAUDIT:
        facts.hooks.emplace_back("AUDIT");
        break;
      case DT_TEXTREL:
        facts.text_relocations = true;
        break;
      case DT_FLAGS:
        facts.text_relocations = facts.text_relocations || (entry.d_un.d_val & DF_TEXTREL) != 0;
        facts.bind_now = facts.bind_now || (entry.d_un.d_val & DF_BIND_NOW) != 0;
        break;
      case DT_BIND_NOW:
        facts.bind_now = true;
        break;
      case DT_FLAGS_1:
        facts.interposes = (entry.d_un.d_val & DF_1_INTERPOSE) != 0;
        facts.global = (entry.d_un.d_val & DF_1_GLOBAL) != 0;
        facts.stays = (entry.d_un.d_val & DF_1_NODELETE) != 0;
        facts.bind_now = facts.bind_now || (entry.d_un.d_val & DF_1_NOW) != 0;
        break;
      default:
        break;
    }
  }
}

/// The chain of libraries, each with its chain of versions. Both are lists of offsets: a damaged
/// one may go round in circles, so the steps are counted.
Status ReadVersions(const Image& image, const DynamicTable& table, const std::string& path,
                    DynamicFacts& facts) {
  std::optional<uint64_t> at;
  for (const Elf64_Dyn& entry : table.entries) {
    if (entry.d_tag == DT_VERNEED) at = image.OffsetOf(entry.d_un.d_ptr);
  }
  size_t steps = 0;
  while (at) {
    const auto need = image.At<Elf64_Verneed>(*at);
    if (!need) return InvalidArgument(path + " has a damaged table of versions");
    const std::string library = TextAt(table.strings, need->vn_file);
    uint64_t version_at = *at + need->vn_aux;
    for (size_t i = 0; i < need->vn_cnt; ++i) {
      const auto version = image.At<Elf64_Vernaux>(version_at);
      if (!version || ++steps > kDynamicEntriesMax) {
        return InvalidArgument(path + " has a damaged table of versions");
      }
      facts.versions.emplace_back(library, TextAt(table.strings, version->vna_name));
      version_at += version->vna_next;
    }
    if (++steps > kDynamicEntriesMax) {
      return InvalidArgument(path + " has a damaged table of versions");
    }
    if (need->vn_next == 0) break;
    *at += need->vn_next;
  }
  return Status::Ok();
}

/// Names and versions of the dynamic symbols, from the section table: the loader itself knows their
/// number from hash tables only.
Status ReadSymbols(const Image& image, const Elf64_Ehdr& header, const std::string& path,
                   DynamicFacts& facts) {
  std::optional<Elf64_Shdr> symbols;
  std::optional<Elf64_Shdr> versions;
  for (uint64_t i = 0; i < header.e_shnum; ++i) {
    const auto section = image.At<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr));
    if (!section) return InvalidArgument(path + " has a damaged section table");
    if (section->sh_type == SHT_DYNSYM) symbols = section;
    if (section->sh_type == SHT_GNU_versym) versions = section;
  }
  if (!symbols) return InvalidArgument(path + " has no dynamic symbols");
  const auto names_section =
      image.At<Elf64_Shdr>(header.e_shoff + symbols->sh_link * sizeof(Elf64_Shdr));
  if (!names_section) return InvalidArgument(path + " has a damaged section table");
  const std::string_view names = image.Slice(names_section->sh_offset, names_section->sh_size);
  const uint64_t count = symbols->sh_size / sizeof(Elf64_Sym);
  for (uint64_t i = 1; i < count; ++i) {
    const auto symbol = image.At<Elf64_Sym>(symbols->sh_offset + i * sizeof(Elf64_Sym));
    if (!symbol) return InvalidArgument(path + " has a damaged symbol table");
    const auto binding = ELF64_ST_BIND(symbol->st_info);
    if (binding == STB_GNU_UNIQUE) facts.unique.push_back(TextAt(names, symbol->st_name));
    if (symbol->st_shndx != SHN_UNDEF || binding != STB_GLOBAL) continue;
    const auto version =
        versions ? image.At<Elf64_Half>(versions->sh_offset + i * sizeof(Elf64_Half)) : 0;
    constexpr Elf64_Half kHidden = 0x8000;
    if (!version || (*version & ~kHidden) <= VER_NDX_GLOBAL) {
      facts.unversioned.push_back(TextAt(names, symbol->st_name));
    }
  }
  return Status::Ok();
}

}  // namespace

Result<DynamicFacts> ReadDynamic(const std::string& path) {
  DCP_ASSIGN(const std::string bytes, os::ReadFile(path, kDynamicFileBytesMax));
  Image image(bytes);
  const auto header = image.At<Elf64_Ehdr>(0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_phentsize != sizeof(Elf64_Phdr) ||
      header->e_shentsize != sizeof(Elf64_Shdr)) {
    return InvalidArgument(path + " is not a 64-bit ELF file");
  }
  DynamicFacts facts;
  // Without a word about the stack, the loader takes an executable one.
  facts.executable_stack = true;
  const auto table = ReadTable(image, *header, facts);
  if (!table) return InvalidArgument(path + " has a damaged dynamic table");
  ReadEntries(*table, facts);
  DCP_TRY(ReadVersions(image, *table, path, facts));
  DCP_TRY(ReadSymbols(image, *header, path, facts));
  return facts;
}

}  // namespace dcp::host
