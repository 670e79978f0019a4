// SPDX-License-Identifier: Apache-2.0
//
// The ELF64 reader. Reads by offset, so that a plugin of a hundred megabytes costs three tables.
#include "host/elf.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace dcp::host {
namespace {

#if defined(__x86_64__)
constexpr Elf64_Half kOwnMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half kOwnMachine = EM_AARCH64;
#else
#error "say which ELF machine this is"
#endif
static_assert(std::endian::native == std::endian::little, "tables are read as they stand");

std::string MachineName(Elf64_Half machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "aarch64";
    case EM_386:
      return "i386";
    case EM_ARM:
      return "arm";
    case EM_RISCV:
      return "riscv";
    default:
      return "machine " + std::to_string(machine);
  }
}

class File {
 public:
  explicit File(std::string path) : path_(std::move(path)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) close(fd_);
  }

  Status Open() {
    // Without O_NONBLOCK a fifo called x.so would stop the daemon's start.
    fd_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd_ < 0) return FromErrno(errno, "cannot open " + path_);
    struct stat info {};
    if (fstat(fd_, &info) != 0) return FromErrno(errno, "cannot stat " + path_);
    if (!S_ISREG(info.st_mode)) return InvalidArgument(path_ + " is not a regular file");
    size_ = static_cast<uint64_t>(info.st_size);
    return Status::Ok();
  }

  uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }

  Status Truncated(std::string_view what) const {
    return InvalidArgument(path_ + " is truncated or damaged: its " + std::string(what) +
                           " lies outside the file");
  }

  Status Read(uint64_t offset, void* out, size_t size, std::string_view what) const {
    if (offset > size_ || size > size_ - offset) return Truncated(what);
    auto* at = static_cast<char*>(out);
    while (size > 0) {
      const ssize_t got = pread(fd_, at, size, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return FromErrno(errno, "cannot read " + path_);
      if (got == 0) return Truncated(what);  // it shrank since we looked
      at += got;
      offset += static_cast<uint64_t>(got);
      size -= static_cast<size_t>(got);
    }
    return Status::Ok();
  }

  Result<std::string> ReadTable(const Elf64_Shdr& section, size_t bytes_max,
                                std::string_view what) const {
    if (section.sh_size > bytes_max) {
      return InvalidArgument(path_ + ": its " + std::string(what) + " has " +
                             std::to_string(section.sh_size) + " bytes, the limit is " +
                             std::to_string(bytes_max));
    }
    if (section.sh_type == SHT_NOBITS || section.sh_offset > size_ ||
        section.sh_size > size_ - section.sh_offset) {
      return Truncated(what);
    }
    std::string bytes(section.sh_size, '\0');
    DCP_TRY(Read(section.sh_offset, bytes.data(), bytes.size(), what));
    return bytes;
  }

 private:
  std::string path_;
  int fd_ = -1;
  uint64_t size_ = 0;
};

Status CheckHeader(const File& file, const Elf64_Ehdr& header) {
  const std::string& path = file.path();
  if (header.e_ident[EI_CLASS] != ELFCLASS64) {
    return InvalidArgument(path + " is not a 64-bit ELF file");
  }
  if (header.e_ident[EI_DATA] != ELFDATA2LSB) {
    return InvalidArgument(path + " is not a little-endian ELF file");
  }
  if (header.e_machine != kOwnMachine) {
    return InvalidArgument(path + " is built for " + MachineName(header.e_machine) +
                           ", this machine is " + MachineName(kOwnMachine));
  }
  if (header.e_type != ET_DYN) return InvalidArgument(path + " is not a shared object");
  if (header.e_shoff == 0 || header.e_shnum == 0) {
    return InvalidArgument(path + " has no section table, so its manifest cannot be read");
  }
  if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shnum > kElfSectionsMax ||
      header.e_shstrndx >= header.e_shnum) {
    return InvalidArgument(path + " has a damaged ELF header");
  }
  return Status::Ok();
}

/// The NUL-terminated text at `offset`, or nothing when it does not end inside the table.
std::string_view TextAt(const std::string& table, size_t offset) {
  if (offset >= table.size()) return {};
  const size_t end = table.find('\0', offset);
  if (end == std::string::npos) return {};
  return std::string_view(table).substr(offset, end - offset);
}

Status ReadSymbols(const File& file, const std::vector<Elf64_Shdr>& sections,
                   const Elf64_Shdr& dynsym, std::vector<std::string>& out) {
  if (dynsym.sh_link >= sections.size() || dynsym.sh_entsize != sizeof(Elf64_Sym)) {
    return InvalidArgument(file.path() + " has a damaged symbol table");
  }
  DCP_ASSIGN(const std::string symbols,
             file.ReadTable(dynsym, kElfTableBytesMax, "dynamic symbol table"));
  DCP_ASSIGN(const std::string names,
             file.ReadTable(sections[dynsym.sh_link], kElfTableBytesMax, "dynamic string table"));
  for (size_t at = 0; at + sizeof(Elf64_Sym) <= symbols.size(); at += sizeof(Elf64_Sym)) {
    Elf64_Sym symbol;
    std::memcpy(&symbol, symbols.data() + at, sizeof(symbol));
    const auto binding = ELF64_ST_BIND(symbol.st_info);
    const bool visible = binding == STB_GLOBAL || binding == STB_WEAK || binding == STB_GNU_UNIQUE;
    if (!visible || symbol.st_shndx == SHN_UNDEF) continue;
    const std::string_view name = TextAt(names, symbol.st_name);
    if (!name.empty()) out.emplace_back(name);
  }
  std::sort(out.begin(), out.end());
  return Status::Ok();
}

}  // namespace

Result<ElfFacts> ReadElf(const std::string& path) {
  File file(path);
  DCP_TRY(file.Open());
  Elf64_Ehdr header{};
  if (file.size() < SELFMAG) return InvalidArgument(path + " is not an ELF file");
  DCP_TRY(file.Read(0, header.e_ident, SELFMAG, "ELF header"));
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return InvalidArgument(path + " is not an ELF file");
  }
  DCP_TRY(file.Read(0, &header, sizeof(header), "ELF header"));
  DCP_TRY(CheckHeader(file, header));

  std::vector<Elf64_Shdr> sections(header.e_shnum);
  DCP_TRY(file.Read(header.e_shoff, sections.data(), sections.size() * sizeof(Elf64_Shdr),
                    "section table"));
  DCP_ASSIGN(const std::string names,
             file.ReadTable(sections[header.e_shstrndx], kElfTableBytesMax, "section name table"));
  ElfFacts facts;
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type == SHT_DYNSYM) {
      DCP_TRY(ReadSymbols(file, sections, section, facts.exported));
    } else if (TextAt(names, section.sh_name) == ".dcp.manifest") {
      DCP_ASSIGN(facts.manifest, file.ReadTable(section, kManifestBytesMax, "manifest section"));
      facts.has_manifest = true;
    }
  }
  return facts;
}

}  // namespace dcp::host
