// SPDX-License-Identifier: Apache-2.0
#include "cli/templates.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace dcp::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kPlaceholder[] = "@name@";
constexpr size_t kNameMax = 64;  // as a manifest's id

std::vector<std::string> FoldersIn(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->is_directory(error)) names.push_back(at->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string Fill(std::string text, const std::string& name) {
  constexpr size_t kSize = sizeof kPlaceholder - 1;
  for (size_t at = text.find(kPlaceholder); at != text.npos; at = text.find(kPlaceholder, at)) {
    text.replace(at, kSize, name);
    at += name.size();
  }
  return text;
}

Status CopyFile(const fs::path& from, const fs::path& to, const std::string& name) {
  std::ifstream in(from, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in || text.size() > kTemplateBytesMax) return DataLoss("cannot read " + from.string());
  std::ofstream out(to, std::ios::binary);
  out << Fill(std::move(text), name);
  out.close();
  if (!out) return Unavailable("cannot write " + to.string());
  std::error_code error;
  fs::permissions(to, fs::status(from, error).permissions() | fs::perms::owner_write, error);
  return error ? Unavailable("cannot write " + to.string() + ": " + error.message()) : Status::Ok();
}

Status CopyAll(const fs::path& from, const fs::path& to, const std::string& name) {
  std::error_code error;
  fs::create_directories(to, error);
  if (error) return Unavailable("cannot make " + to.string() + ": " + error.message());
  for (fs::recursive_directory_iterator at(from, error), end; !error && at != end;
       at.increment(error)) {
    const fs::path target = to / fs::relative(at->path(), from, error);
    if (!error && at->is_directory(error)) {
      fs::create_directories(target, error);
    } else if (!error && at->is_regular_file(error)) {
      DCP_TRY(CopyFile(at->path(), target, name));
    }
    if (error) break;
  }
  return error ? Unavailable("cannot copy " + from.string() + ": " + error.message())
               : Status::Ok();
}

}  // namespace

Result<std::vector<Template>> ListTemplates(const std::string& folder) {
  std::vector<Template> all;
  for (const std::string& kind : FoldersIn(folder)) {
    const fs::path below = fs::path(folder) / kind;
    for (const std::string& lang : FoldersIn(below)) {
      all.push_back({kind, lang, (below / lang).string()});
    }
  }
  if (!all.empty()) return all;
  return NotFound("there are no plugin templates in " + folder)
      .WithHint(
          "install the SDK (cmake --install BUILD --component sdk --prefix P) and use its "
          "P/bin/pretzel, or add --sdk P");
}

Result<std::string> TemplateFolder(const std::string& sdk) {
  fs::path prefix = sdk;
  if (sdk.empty()) {
    std::error_code error;
    const fs::path self = fs::read_symlink("/proc/self/exe", error);
    if (error) return NotFound("cannot tell where this program stands: " + error.message());
    prefix = self.parent_path().parent_path();
  }
  return (prefix / "share" / "dcp_sdk" / "templates").string();
}

bool IsPluginName(const std::string& name) {
  if (name.empty() || name.size() > kNameMax || name[0] < 'a' || name[0] > 'z') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

Status CopyTemplate(const Template& from, const std::string& name, const std::string& directory) {
  std::error_code error;
  const bool there = fs::exists(fs::symlink_status(directory, error));
  const bool empty = there && fs::is_directory(directory, error) && fs::is_empty(directory, error);
  if (there && !empty) {
    return AlreadyExists(directory + " is there already, and is no empty folder")
        .WithHint("choose another one with --directory");
  }
  const Status copied = CopyAll(from.path, directory, name);
  if (copied.ok()) return copied;
  for (fs::directory_iterator at(directory, error), end; !error && at != end;) {
    const fs::path path = at->path();
    at.increment(error);
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  if (!there) fs::remove(directory, error);
  return copied;
}

}  // namespace dcp::cli
