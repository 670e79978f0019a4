// SPDX-License-Identifier: Apache-2.0
//
// For tests that need an overlay catalog to fail at a chosen call, which the real one cannot be
// made to do: namespaces and tables in memory, over real HTTP. As unkind as a catalog may be:
// listings come in pages of two, and a parent is looked for with SQL's LIKE 'parent%', so that
// siblings with a longer name, and names that fit '_', come back too.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "catalog/http.h"
#include "catalog/url.h"

namespace dcp::catalog::testing {

class FakeOverlay final : public HttpHandler {
 public:
  using Levels = std::vector<std::string>;
  using Table = std::pair<Levels, std::string>;

  /// How a call fails: before it has done anything, or after it did everything.
  enum class Fault { kBefore, kAfter };

  FakeOverlay() : server_(HttpServer::Start("127.0.0.1", 0, 64, *this).value()) {}
  std::string uri() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

  /// Makes the table's namespaces too, as EnsureOverlayNamespace does.
  void Add(const Levels& levels, const std::string& table) {
    const std::lock_guard lock(mutex_);
    for (size_t n = 1; n <= levels.size(); ++n) {
      namespaces_.insert(Levels(levels.begin(), levels.begin() + static_cast<long>(n)));
    }
    if (!table.empty()) tables_.insert({levels, table});
  }
  /// Everything that is there, one line each.
  std::vector<std::string> Listing() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> lines;
    for (const Levels& levels : namespaces_) lines.push_back(Join(levels));
    for (const auto& [levels, table] : tables_) lines.push_back(Join(levels) + ": " + table);
    return lines;
  }
  /// The n-th call from now on (from 1) fails, and all after it when it is `down` from then on; 0:
  /// none does.
  void FailAt(int n, Fault fault, bool down = false) {
    const std::lock_guard lock(mutex_);
    fail_at_ = n;
    fault_ = fault;
    down_ = down;
    failed_ = false;
  }
  bool failed() const {
    const std::lock_guard lock(mutex_);
    return failed_;
  }
  /// Called once, when that namespace is about to be dropped: a commit that slips in.
  void BeforeDrop(const Levels& levels, std::function<void()> action) {
    const std::lock_guard lock(mutex_);
    before_drop_[levels] = std::move(action);
  }

  /// Called once, when namespaces have been listed and the answer is not sent yet.
  void AfterListing(std::function<void()> action) {
    const std::lock_guard lock(mutex_);
    after_listing_ = std::move(action);
  }

  Admission Admit(const HttpRequest& head) override {
    const auto secret = head.headers.find("x-pretzel-secret");
    if (secret != head.headers.end() && secret->second == "s") return {true, "daemon", {}};
    return {false, "", {401, "{}", false}};
  }
  HttpResponse Busy(const HttpRequest&) override { return {503, "{}", false}; }
  HttpResponse Handle(const HttpRequest& request, const std::function<bool()>&) override {
    bool fails = false;
    {
      const std::lock_guard lock(mutex_);
      fails = fail_at_ == 1;
      if (fail_at_ > 1) --fail_at_;
      if (fails && !down_) fail_at_ = 0;
      failed_ = failed_ || fails;
      if (fails && fault_ == Fault::kBefore) return {500, "{}", false};
    }
    HttpResponse answer = Answer(request);
    return fails ? HttpResponse{500, "{}", false} : answer;
  }

 private:
  static std::string Join(const Levels& levels) {
    std::string text;
    for (const std::string& level : levels) text += (text.empty() ? "" : ".") + level;
    return text;
  }
  static Levels Split(const std::string& text, char separator) {
    Levels parts(1);
    for (const char c : text) {
      if (c == separator) {
        parts.emplace_back();
      } else {
        parts.back() += c;
      }
    }
    return parts;
  }
  static std::string Decode(const std::string& text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '%') {
        out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
        i += 2;
      } else {
        out += text[i];
      }
    }
    return out;
  }
  /// SQL's LIKE with the pattern "<prefix>%", where '_' fits any character.
  static bool Like(const std::string& text, const std::string& prefix) {
    if (text.size() < prefix.size()) return false;
    for (size_t i = 0; i < prefix.size(); ++i) {
      if (prefix[i] != '_' && prefix[i] != text[i]) return false;
    }
    return true;
  }
  /// JSON by hand: names in these tests hold nothing to escape.
  static std::string Quoted(const Levels& levels) {
    std::string text;
    for (const std::string& level : levels) text += (text.empty() ? "\"" : ",\"") + level + "\"";
    return "[" + text + "]";
  }
  static HttpResponse Page(const std::string& key, const std::vector<std::string>& entries,
                           const std::string& token) {
    constexpr size_t kPage = 2;
    const size_t begin = token.empty() ? 0 : std::stoul(token);
    std::string list;
    for (size_t i = begin; i < std::min(begin + kPage, entries.size()); ++i) {
      list += (i == begin ? "" : ",") + entries[i];
    }
    std::string next;
    if (begin + kPage < entries.size()) {
      next = R"(,"next-page-token":")" + std::to_string(begin + kPage) + "\"";
    }
    return {200, "{\"" + key + "\":[" + list + "]" + next + "}", false};
  }

  static HttpResponse NotThere() {
    return {404, R"({"error":{"message":"m","type":"NoSuchNamespaceException","code":404}})",
            false};
  }

  HttpResponse Answer(const HttpRequest& request) {
    const size_t mark = request.target.find('?');
    std::map<std::string, std::string> query;
    if (mark != std::string::npos) {
      for (const std::string& pair : Split(request.target.substr(mark + 1), '&')) {
        const size_t equal = pair.find('=');
        query[pair.substr(0, equal)] = Decode(pair.substr(equal + 1));
      }
    }
    const Levels path = Split(request.target.substr(0, mark), '/');  // "", "v1", ...
    if (path[2] == "config") {
      return {200, R"({"overrides":{"namespace-separator":"%2E"}})", false};
    }
    if (path.size() == 3) return ListNamespaces(query);
    const Levels levels = Split(Decode(path[3]), '.');
    if (path.size() == 5) return ListTables(levels, query["pageToken"]);
    if (path.size() == 6) return DropTable({levels, Decode(path[5])});
    return request.method == "DELETE" ? DropNamespace(levels) : NamespaceExists(levels);
  }
  HttpResponse ListNamespaces(std::map<std::string, std::string>& query) {
    HttpResponse answer = NamespacesPage(query);
    std::function<void()> action;
    {
      const std::lock_guard lock(mutex_);
      action = std::move(after_listing_);
      after_listing_ = nullptr;
    }
    if (action) action();
    return answer;
  }
  HttpResponse NamespacesPage(std::map<std::string, std::string>& query) {
    const std::lock_guard lock(mutex_);
    const std::string& parent = query["parent"];
    if (!parent.empty() && !namespaces_.contains(Split(parent, '.'))) return NotThere();
    std::vector<std::string> found;
    for (const Levels& levels : namespaces_) {
      if (parent.empty() ? levels.size() == 1 : Like(Join(levels), parent))
        found.push_back(Quoted(levels));
    }
    return Page("namespaces", found, query["pageToken"]);
  }
  HttpResponse ListTables(const Levels& levels, const std::string& token) {
    const std::lock_guard lock(mutex_);
    if (!namespaces_.contains(levels)) return NotThere();
    std::vector<std::string> found;
    for (const auto& [where, table] : tables_) {
      if (where == levels)
        found.push_back(R"({"namespace":)" + Quoted(where) + R"(,"name":")" + table + "\"}");
    }
    return Page("identifiers", found, token);
  }
  HttpResponse NamespaceExists(const Levels& levels) {
    const std::lock_guard lock(mutex_);
    return {namespaces_.contains(levels) ? 204 : 404, "", false};
  }
  HttpResponse DropTable(const Table& table) {
    const std::lock_guard lock(mutex_);
    return tables_.erase(table) == 1 ? HttpResponse{204, "", false} : NotThere();
  }
  HttpResponse DropNamespace(const Levels& levels) {
    std::function<void()> action;
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = before_drop_.find(levels); found != before_drop_.end()) {
        action = std::move(found->second);
        before_drop_.erase(found);
      }
    }
    if (action) action();
    const std::lock_guard lock(mutex_);
    const bool full = std::any_of(tables_.begin(), tables_.end(),
                                  [&](const Table& table) { return table.first == levels; }) ||
                      std::any_of(namespaces_.begin(), namespaces_.end(), [&](const Levels& other) {
                        return other.size() > levels.size() &&
                               std::equal(levels.begin(), levels.end(), other.begin());
                      });
    if (full) return {409, "{}", false};
    return namespaces_.erase(levels) == 1 ? HttpResponse{204, "", false} : NotThere();
  }

  mutable std::mutex mutex_;
  std::set<Levels> namespaces_;
  std::set<Table> tables_;
  std::map<Levels, std::function<void()>> before_drop_;
  std::function<void()> after_listing_;
  int fail_at_ = 0;
  bool down_ = false;
  Fault fault_ = Fault::kBefore;
  bool failed_ = false;
  std::unique_ptr<HttpServer> server_;  // last: its threads use all of the above
};

}  // namespace dcp::catalog::testing
