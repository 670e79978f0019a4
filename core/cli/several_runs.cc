// SPDX-License-Identifier: Apache-2.0
#include "cli/several_runs.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <set>
#include <unordered_set>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/duration.h"
#include "cli/exit_code.h"
#include "cli/interrupts.h"
#include "cli/outlining.h"
#include "cli/render/json.h"
#include "cli/render/report.h"

namespace dcp::cli {
namespace {

std::string Counted(size_t count, const std::string& what) {
  return Thousands(count) + " " + what + (count == 1 ? "" : "s");
}

/// The one exit code of two runs: what a person has to correct first. A wrong manifest before a job
/// that failed, that before a check, that before what lies outside.
int Worse(int one, int other) {
  constexpr std::array<int, 4> kFirst = {kExitUsage, kExitRunFailed, kExitChecksFailed,
                                         kExitUnavailable};
  for (const int code : kFirst) {
    if (one == code || other == code) return code;
  }
  return std::max(one, other);
}

/// How far the whole command is.
class Progress {
 public:
  Progress(Session& session, size_t total) : session_(session), total_(total) {}

  void Begin(size_t manifests) {
    piece_ = manifests;
    nodes_.clear();
    ended_ = 0;
  }
  void Show(const v1::RunEvent& event) {
    nodes_.insert(event.node_id());
    const std::string& state = event.state();
    if (state == "SUCCEEDED" || state == "FAILED" || state == "CANCELLED" || state == "SKIPPED") {
      ++ended_;
    }
    const SteadyMillis now = SystemClock().Steady();
    if (!Moves() || now - shown_ < kProgressMs) return;
    shown_ = now;
    // A graph whose first node is the only one that is known says nothing yet.
    const size_t part = nodes_.size() < 2 ? 0 : piece_ * ended_ / nodes_.size();
    *session_.io().err << "\r\x1b[2K  " << Text(done_ + std::min(part, piece_)) << std::flush;
  }
  void End() {
    done_ += piece_;
    Clear();
    if (!Moves()) session_.Note("  " + Text(done_));
  }
  /// Before anything else is written to the terminal.
  void Clear() const {
    if (Moves()) *session_.io().err << "\r\x1b[2K" << std::flush;
  }
  size_t left() const { return total_ - done_; }

 private:
  bool Moves() const { return session_.io().err_is_terminal && !session_.quiet(); }
  std::string Text(size_t done) const {
    return Thousands(done) + " of " + Counted(total_, "manifest") + " done, " +
           FormatDuration(SystemClock().Steady() - started_);
  }

  Session& session_;
  const size_t total_;
  const SteadyMillis started_ = SystemClock().Steady();
  SteadyMillis shown_ = 0;
  size_t done_ = 0;
  size_t piece_ = 0;
  size_t ended_ = 0;
  std::set<std::string> nodes_;
};

/// What all runs came to. Of a run that is over only numbers are kept.
class Total {
 public:
  void Add(const v1::Run& run) {
    ++runs_;
    const auto& report = run.report().fields();
    const auto status = report.find("status");
    states_.insert(status == report.end() ? run.state() : status->second.string_value());
    const auto body = report.find("body");
    if (body == report.end()) return;
    const auto& fields = body->second.struct_value().fields();
    const auto datasets = fields.find("datasets");
    if (datasets == fields.end()) return;
    for (const auto& dataset : datasets->second.list_value().values()) {
      const auto& values = dataset.struct_value().fields();
      for (const char* key : {"status", "state"}) {
        const auto value = values.find(key);
        if (value == values.end()) continue;
        ++datasets_[value->second.string_value()];
        break;
      }
    }
  }
  /// The words of reports, the one that matters most.
  std::string Status() const {
    for (const char* state : {"CANCELLED", "FAILED", "DRIFTED", "CHANGED", "UNCHANGED"}) {
      if (states_.contains(state)) return state;
    }
    return states_.empty() ? "FAILED" : *states_.begin();
  }
  size_t runs() const { return runs_; }
  const std::map<std::string, int64_t>& datasets() const { return datasets_; }

 private:
  size_t runs_ = 0;
  std::set<std::string> states_;
  std::map<std::string, int64_t> datasets_;
};

class Pieces {
 public:
  Pieces(Session& session, Client& client, const std::string& playground, const RunPlan& plan,
         const std::string& token, NotNow& not_now, const std::vector<ManifestName>& names,
         ManifestReader& reader)
      : session_(session),
        client_(client),
        playground_(playground),
        plan_(plan),
        token_(token),
        not_now_(not_now),
        names_(names),
        reader_(reader),
        outlining_(client, playground, names, reader),
        progress_(session, names.size()) {
    plan_.client_token = token;  // it is the command's that a person repeats
  }

  int Run() {
    if (session_.format() == Format::kCsv) {
      return session_.Fail(InvalidArgument("-o csv shows one dataset, and " +
                                           Counted(names_.size(), "manifest") + " were given")
                               .WithHint("name one manifest, or take -o json"));
    }
    session_.Note("  reading " + Counted(names_.size(), "manifest"));
    if (const Status outlined = outlining_.Run(); !outlined.ok()) return session_.Fail(outlined);
    const Split split = SplitManifests(
        outlining_.manifests(), {limits::kManifestsMax, limits::kRequestBytesMax, kFilesOfRunMax});
    if (const Status refused = Check(split); !refused.ok()) return session_.Fail(refused);
    const Interrupts interrupts([this] { interrupted_ = true; });
    if (session_.json()) {
      session_.Print(RunsOfCommandJsonBegin(plan_.command, playground_, names_.size()));
    }
    for (const Piece& piece : split.pieces) {
      if (!Next(piece)) break;
    }
    return End();
  }

 private:
  Status Check(const Split& split) {
    if (plan_.command == "run" && split.largest > 0) {
      return ResourceExhausted(Counted(names_.size(), "manifest") + " were given; " +
                               Thousands(split.largest) + " of their datasets read one another (" +
                               names_[split.largest_first].path +
                               " is one), and a run of jobs takes at most " +
                               Thousands(limits::kManifestsMax) + " of those")
          .WithId("PZ0902")
          .WithHint("run them with several commands, those first that others read");
    }
    const auto params = plan_.options.fields().find("params");
    if (params == plan_.options.fields().end() || !outlining_.all_read()) return {};
    std::unordered_set<uint64_t> declared;
    for (const Outlined& manifest : outlining_.manifests()) {
      declared.insert(manifest.params.begin(), manifest.params.end());
    }
    for (const auto& [name, value] : params->second.struct_value().fields()) {
      if (declared.contains(NameHash(name))) continue;
      return InvalidArgument("no manifest declares the parameter `" + name + "`")
          .WithHint("declare it under spec.params");
    }
    return {};
  }

  /// False: no further one is started.
  bool Next(const Piece& piece) {
    if (interrupted_) return Stop(kExitInterrupted, "interrupted");
    if (piece.set != 0 && piece.set == failed_set_) {
      // What it would read is not as it should be.
      progress_.Begin(piece.manifests.size());
      progress_.End();
      not_started_ += piece.manifests.size();
      return true;
    }
    std::vector<SourceFile> manifests;
    std::vector<SourceFile> files;
    if (const Status read = Read(piece, &manifests, &files); !read.ok()) return Fail(read);
    progress_.Begin(piece.manifests.size());
    const ShowEvent nodes = ShowNodes(session_);
    const auto watched = RunOnce(session_, client_, playground_, PlanOf(piece),
                                 TokenOf(manifests, files), not_now_, manifests, &files,
                                 /*patient=*/true, [&](const v1::RunEvent& event) {
                                   if (session_.verbose()) nodes(event);
                                   progress_.Show(event);
                                 });
    if (!watched.ok()) return Fail(watched.status());
    manifests.insert(manifests.end(), files.begin(), files.end());
    return Take(piece, *watched, manifests);
  }

  bool Take(const Piece& piece, const Watched& watched, const std::vector<SourceFile>& sources) {
    const v1::Run& run = watched.run;
    if (watched.outcome == Outcome::kInterrupted || watched.outcome == Outcome::kTimedOut) {
      const bool interrupted = watched.outcome == Outcome::kInterrupted;
      return Stop(interrupted ? kExitInterrupted : kExitTimedOut,
                  std::string(interrupted ? "detached" : "stopped waiting") + "; run " + run.id() +
                      " goes on (pretzel run wait " + run.id() + ")");
    }
    progress_.End();
    total_.Add(run);
    Print(run, sources, watched.outcome == Outcome::kCompiled);
    if (watched.outcome == Outcome::kCompiled) return true;
    const int code = ExitCodeOf(run);
    exit_code_ = Worse(exit_code_, code);
    if (run.state() == "CANCELLED") return Stop(code, "run " + run.id() + " was cancelled");
    if (code == kExitUnavailable || code == kExitDenied) {
      return Stop(code, "run " + run.id() + " could not be made");
    }
    // The order matters where tables are made; a check says itself what is missing.
    if (code != kExitOk && piece.set != 0 && plan_.command == "apply") failed_set_ = piece.set;
    return true;
  }

  Status Read(const Piece& piece, std::vector<SourceFile>* manifests,
              std::vector<SourceFile>* files) {
    google::protobuf::RepeatedPtrField<std::string> wanted;
    for (const size_t i : piece.manifests) {
      DCP_ASSIGN(SourceFile manifest, reader_.Read(names_[i].path));
      manifests->push_back(std::move(manifest));
      for (const std::string& file : outlining_.FilesOf(i)) *wanted.Add() = file;
    }
    return AddFiles(wanted, *manifests, files).status();
  }

  /// With the parameters that these manifests declare: a run refuses others.
  RunPlan PlanOf(const Piece& piece) const {
    RunPlan plan = plan_;
    const auto params = plan.options.mutable_fields()->find("params");
    if (params == plan.options.mutable_fields()->end()) return plan;
    std::unordered_set<uint64_t> declared;
    for (const size_t i : piece.manifests) {
      const auto& own = outlining_.manifests()[i].params;
      declared.insert(own.begin(), own.end());
    }
    auto& values = *params->second.mutable_struct_value()->mutable_fields();
    for (const auto& [name, value] : plan_.options.fields().at("params").struct_value().fields()) {
      if (!declared.contains(NameHash(name))) values.erase(name);
    }
    if (values.empty()) plan.options.mutable_fields()->erase("params");
    return plan;
  }

  /// Of the same command again, the same run again; what was changed since is another run.
  std::string TokenOf(const std::vector<SourceFile>& manifests,
                      const std::vector<SourceFile>& files) const {
    uint64_t hash = NameHash(plan_.command);
    for (const auto* list : {&manifests, &files}) {
      for (const SourceFile& file : *list) hash = NameHash(file.content, NameHash(file.path, hash));
    }
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[(hash >> shift) & 15U];
    return token_ + "/" + text;
  }

  void Print(const v1::Run& run, const std::vector<SourceFile>& sources, bool started) {
    if (session_.json()) {
      session_.Print((total_.runs() == 1 ? "" : ",") + RunJson(run));
    } else if (started || session_.format() == Format::kName) {
      session_.Print(run.id() + "\n");
    } else {
      session_.Print(ReportText(run, sources, session_.paint()) + "\n");
    }
  }

  bool Fail(const Status& status) {
    progress_.Clear();
    const int code = session_.Fail(status);
    exit_code_ = not_now_.over() ? kExitTimedOut : code;
    stopped_ = true;
    return false;
  }
  bool Stop(int code, const std::string& why) {
    progress_.Clear();
    exit_code_ = code;
    stopped_ = true;
    session_.Note(why);
    return false;
  }

  int End() {
    const size_t left = not_started_ + (stopped_ ? progress_.left() : 0);
    if (session_.json()) {
      session_.Print(RunsOfCommandJsonEnd(left > 0 ? "INCOMPLETE" : total_.Status(), total_.runs(),
                                          total_.datasets(), left));
    } else if (session_.format() != Format::kName && plan_.wait) {
      std::string datasets;
      for (const auto& [state, count] : total_.datasets()) {
        datasets += (datasets.empty() ? ": " : ", ") + Thousands(static_cast<uint64_t>(count)) +
                    " " + session_.paint().State(state);
      }
      session_.Print(plan_.command + " " +
                     session_.paint().State(left > 0 ? "INCOMPLETE" : total_.Status()) + " in " +
                     FormatDuration(SystemClock().Steady() - started_) + ", " +
                     Counted(names_.size(), "manifest") + " in " + Counted(total_.runs(), "run") +
                     " (playground " + playground_ + ")" + datasets + "\n");
    }
    if (left == 0) return exit_code_;
    session_.Note(Counted(left, "manifest") +
                  " did not come to an end; go on with the same "
                  "command and --client-token " +
                  token_ + ", which starts nothing twice, or begin again without it");
    return exit_code_;
  }

  Session& session_;
  Client& client_;
  const std::string& playground_;
  RunPlan plan_;
  const std::string& token_;
  NotNow& not_now_;
  const std::vector<ManifestName>& names_;
  ManifestReader& reader_;
  Outlining outlining_;
  Progress progress_;
  Total total_;
  const SteadyMillis started_ = SystemClock().Steady();
  std::atomic<bool> interrupted_ = false;
  bool stopped_ = false;
  size_t failed_set_ = 0;
  size_t not_started_ = 0;
  int exit_code_ = kExitOk;
};

}  // namespace

int RunInPieces(Session& session, Client& client, const std::string& playground,
                const RunPlan& plan, const std::string& token, NotNow& not_now,
                const std::vector<ManifestName>& names, ManifestReader& reader) {
  return Pieces(session, client, playground, plan, token, not_now, names, reader).Run();
}

}  // namespace dcp::cli
