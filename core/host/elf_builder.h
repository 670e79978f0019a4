// SPDX-License-Identifier: Apache-2.0
//
// For tests: the smallest ELF file that looks like a plugin, and can be spoiled at any place.
#pragma once

#include <elf.h>

#include <cstring>
#include <string>
#include <vector>

namespace dcp::host {

struct ElfBuilder {
  std::string manifest;
  bool with_manifest = true;
  std::vector<std::string> exported;
  std::vector<std::string> imported;

#if defined(__aarch64__)
  static constexpr Elf64_Half kMachine = EM_AARCH64;
#else
  static constexpr Elf64_Half kMachine = EM_X86_64;
#endif

  template <typename T>
  static void Append(std::string& out, const T& value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }

  /// Header, contents one after the other, section table.
  std::string Build() const {
    std::string symbol_names(1, '\0');
    std::string symbols(sizeof(Elf64_Sym), '\0');
    const auto add = [&](const std::string& name, Elf64_Half section) {
      Elf64_Sym symbol{};
      symbol.st_name = static_cast<Elf64_Word>(symbol_names.size());
      symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
      symbol.st_shndx = section;
      Append(symbols, symbol);
      symbol_names += name + '\0';
    };
    for (const std::string& name : exported) add(name, 1);
    for (const std::string& name : imported) add(name, SHN_UNDEF);

    std::string names(1, '\0');
    std::string content;
    std::vector<Elf64_Shdr> sections(1);
    const auto place = [&](const std::string& name, Elf64_Word type, const std::string& bytes) {
      Elf64_Shdr section{};
      section.sh_name = static_cast<Elf64_Word>(names.size());
      section.sh_type = type;
      section.sh_offset = sizeof(Elf64_Ehdr) + content.size();
      section.sh_size = bytes.size();
      names += name + '\0';
      content += bytes;
      sections.push_back(section);
    };
    place(".dynstr", SHT_STRTAB, symbol_names);
    place(".dynsym", SHT_DYNSYM, symbols);
    sections.back().sh_link = 1;
    sections.back().sh_entsize = sizeof(Elf64_Sym);
    if (with_manifest) place(".dcp.manifest", SHT_PROGBITS, manifest);
    names.append(".shstrtab").append(1, '\0');
    const std::string own_names = names;
    place("", SHT_STRTAB, own_names);

    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_DYN;
    header.e_machine = kMachine;
    header.e_shoff = sizeof(header) + content.size();
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = static_cast<Elf64_Half>(sections.size());
    header.e_shstrndx = static_cast<Elf64_Half>(sections.size() - 1);
    std::string file;
    Append(file, header);
    file += content;
    for (const Elf64_Shdr& section : sections) Append(file, section);
    return file;
  }
};

}  // namespace dcp::host
