// SPDX-License-Identifier: Apache-2.0
//
// Reading the files of a command.
#include "cli/manifests.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <unordered_set>

#include "base/limits.h"
#include "cli/render/text.h"

namespace dcp::cli {
namespace {

namespace fs = std::filesystem;

Status TooLarge(const std::string& path) {
  return ResourceExhausted(path + " has more than " + std::to_string(limits::kFileBytesMax) +
                           " bytes")
      .WithId("PZ0902")
      .WithHint("data belongs into a table, not into a manifest");
}

Result<std::string> ReadStream(std::istream& stream, const std::string& path) {
  std::string content;
  char buffer[64 << 10];
  while (stream.read(buffer, sizeof(buffer)) || stream.gcount() > 0) {
    content.append(buffer, static_cast<size_t>(stream.gcount()));
    if (content.size() > limits::kFileBytesMax) return TooLarge(path);
  }
  if (stream.bad()) return FromErrno(errno, "reading " + path).WithId("PZ0905");
  return content;
}

Result<std::string> ReadWhole(const std::string& path) {
  std::error_code error;
  const fs::file_status kind = fs::status(path, error);
  if (kind.type() == fs::file_type::not_found) {
    return NotFound("there is no file " + path).WithId("PZ0905");
  }
  if (error) return FromErrno(error.value(), "reading " + path).WithId("PZ0905");
  // A pipe or device could never end; /dev/stdin has its own spelling.
  if (kind.type() != fs::file_type::regular) {
    return InvalidArgument(path + " is not a regular file")
        .WithId("PZ0905")
        .WithHint("give a file, a folder, or - for standard input");
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return FromErrno(errno, "opening " + path).WithId("PZ0905");
  return ReadStream(file, path);
}

Result<std::vector<std::string>> YamlFilesOf(const std::string& folder) {
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) return FromErrno(error.value(), "listing " + folder).WithId("PZ0905");
  std::vector<std::string> found;
  for (; entries != fs::directory_iterator(); entries.increment(error)) {
    const fs::path& path = entries->path();
    const bool yaml = path.extension() == ".yaml" || path.extension() == ".yml";
    std::error_code ignored;  // one that is gone again is no manifest
    if (yaml && entries->is_regular_file(ignored)) found.push_back(path.string());
  }
  // The entry after which nothing more could be read is the last, as at the end of a folder.
  if (error) return FromErrno(error.value(), "listing " + folder).WithId("PZ0905");
  if (found.empty()) {
    return NotFound("folder " + folder + " holds no .yaml file").WithId("PZ0905");
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// Whether `path`, links resolved, is `folder` or lies below it.
bool Below(const fs::path& path, const fs::path& folder) {
  const auto [end, ignored] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end();
}

fs::path FolderOf(const SourceFile& manifest) {
  const fs::path folder =
      manifest.path == kStdinName ? fs::path() : fs::path(manifest.path).parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

}  // namespace

Result<std::vector<ManifestName>> NameManifests(const std::vector<std::string>& paths) {
  std::vector<std::string> names;
  for (const std::string& path : paths) {
    std::error_code error;
    if (path != "-" && fs::is_directory(path, error)) {
      DCP_ASSIGN(const auto found, YamlFilesOf(path));
      names.insert(names.end(), found.begin(), found.end());
    } else {
      names.push_back(path);
    }
  }
  std::vector<ManifestName> out;
  std::unordered_set<std::string> seen;
  for (const std::string& name : names) {
    if (!seen.insert(fs::path(name).lexically_normal().string()).second) continue;
    std::error_code error;  // what cannot be looked at is said when it is read
    const uintmax_t bytes = name == "-" ? 0 : fs::file_size(name, error);
    out.push_back({name, error ? 0 : bytes});
  }
  if (out.size() <= limits::kCommandManifestsMax) return out;
  return ResourceExhausted(Thousands(out.size()) + " manifests were given; at most " +
                           Thousands(limits::kCommandManifestsMax) + " go into one command")
      .WithId("PZ0902")
      .WithHint("name fewer files, or folders with fewer in them, in several commands");
}

Result<SourceFile> ManifestReader::Read(const std::string& path) {
  if (path != "-") {
    DCP_ASSIGN(std::string content, ReadWhole(path));
    return SourceFile{path, std::move(content)};
  }
  if (!stdin_) {
    DCP_ASSIGN(stdin_, ReadStream(*io_.in, kStdinName));
  }
  return SourceFile{kStdinName, *stdin_};
}

Result<std::vector<SourceFile>> ManifestReader::ReadAll(const std::vector<ManifestName>& names) {
  std::vector<SourceFile> files;
  for (const ManifestName& name : names) {
    DCP_ASSIGN(SourceFile file, Read(name.path));
    files.push_back(std::move(file));
  }
  return files;
}

size_t CountDocuments(const std::string& content) {
  size_t count = 1;
  for (size_t at = content.find("\n---"); at != std::string::npos;
       at = content.find("\n---", at + 1)) {
    ++count;
  }
  return count;
}

Result<SourceFile> ReadNeeded(const std::vector<SourceFile>& manifests, const std::string& wanted) {
  const fs::path path(wanted);
  bool escaped = false;
  // With the manifest's own folder in front already, or as the manifest wrote it.
  for (const bool from_here : {true, false}) {
    for (const SourceFile& manifest : manifests) {
      std::error_code error;
      const fs::path folder = fs::weakly_canonical(FolderOf(manifest), error);
      const fs::path candidate = from_here ? path : FolderOf(manifest) / path;
      const fs::path real = fs::weakly_canonical(candidate, error);
      if (error || !fs::exists(real, error)) continue;
      if (!Below(real, folder)) {
        escaped = true;
        continue;
      }
      DCP_ASSIGN(std::string content, ReadWhole(candidate.string()));
      return SourceFile{wanted, std::move(content)};
    }
  }
  if (escaped) {
    return PermissionDenied("a manifest names the file " + wanted +
                            ", which is not in or below the manifest's folder")
        .WithId("PZ0906")
        .WithHint(
            "copy the file beside the manifest; a manifest may not read the rest of the disk");
  }
  return NotFound("a manifest names the file " + wanted + ", which is not there")
      .WithId("PZ0905")
      .WithHint("the path is relative to the manifest's folder");
}

}  // namespace dcp::cli
