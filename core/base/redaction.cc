// SPDX-License-Identifier: Apache-2.0
//
// A text is searched as it is; then what it says decoded, in every way that base/decoding.h knows,
// and again what that says, some layers deep. What is found is mapped back through the layers, so
// there is one list of secrets and none of their spellings.
#include "base/redaction.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/decoding.h"
#include "base/mutex.h"
#include "base/needles.h"
#include "base/spellings.h"

namespace dcp {
namespace {

/// Bytes that are looked at for each byte of a text, all layers together. Logs need up to 4, the
/// worst that the tests could think of 11. A text beyond this was made to take long.
constexpr size_t kWorkPerByteMax = 32;
/// Short texts may always need this much: no time at all, and never refused.
constexpr size_t kWorkAlways = size_t{64} << 10;
/// Of a piece: what begins before has ended, or is longer than any secret in any spelling.
constexpr size_t kOpenWindow = size_t{16} << 10;

/// One text with all that it says in some encoding.
class Inspection {
 public:
  Inspection(const Needles& needles, std::string_view text, bool goes_on)
      : needles_(needles), work_max_(kWorkAlways + kWorkPerByteMax * text.size()) {
    Look({text, nullptr, nullptr, goes_on}, 0);
    if (work_ > work_max_) found_ = {{0, text.size()}};
    std::sort(found_.begin(), found_.end(),
              [](const ByteRange& a, const ByteRange& b) { return a.begin < b.begin; });
  }

  /// By their beginning; they may overlap.
  const std::vector<ByteRange>& found() const { return found_; }
  /// Where something begins that may go on in the next piece.
  const std::vector<size_t>& open() const { return open_; }
  size_t work() const { return work_; }

 private:
  struct View {
    std::string_view text;
    const View* source = nullptr;
    const Decoded* decoded = nullptr;  ///< from the source
    bool goes_on = false;
  };

  static ByteRange InTheText(const View& view, ByteRange range) {
    for (const View* at = &view; at->source != nullptr; at = at->source) {
      range = at->decoded->Source(range);
    }
    return range;
  }

  /// False when there was too much to look at.
  bool Search(const View& view, bool tokens) {
    work_ += view.text.size();
    if (work_ > work_max_) return false;
    std::vector<ByteRange> found;
    needles_.Find(view.text, tokens, &found);
    for (const ByteRange& range : found) found_.push_back(InTheText(view, range));
    if (!view.goes_on) return true;
    std::vector<size_t> open;
    needles_.FindOpen(view.text, &open);
    for (const size_t at : open) Open(view, at);
    return true;
  }

  void Open(const View& view, size_t at) {
    if (at < view.text.size()) open_.push_back(InTheText(view, {at, at + 1}).begin);
  }

  /// What the view says, and what that says decoded.
  void Look(const View& view, int layer) {
    if (!Search(view, true) || layer == kRedactedEncodingsMax) return;
    const Survey survey = SurveyOf(view.text, view.goes_on);
    if (survey.nuls) {
      const auto decoded = WithoutNuls(view.text, view.goes_on);
      if (decoded) Look({decoded->text(), &view, &*decoded, view.goes_on}, layer);
      return;
    }
    if (survey.escapes) Into(view, Unescape(view.text, view.goes_on), true, layer);
    // An encoded word that is broken into lines is one; the end of a line does not hold up a piece.
    if (!survey.line_breaks || view.goes_on) return LookAtRuns(view, survey, layer);
    // The end of a line stands between two numbers; joined, the next line's first word would stick
    // to the last of them.
    if (survey.numbers) LookAtNumbers(view, layer);
    const auto joined = JoinLines(view.text);
    if (!joined) return;
    const View whole{joined->text(), &view, &*joined, false};
    // Not for tokens, to which the next line's first word would belong.
    if (Search(whole, false)) LookAtRuns(whole, SurveyOf(whole.text, false), layer);
  }

  void LookAtRuns(const View& view, const Survey& survey, int layer) {
    for (const size_t skipped : {0U, 2U, 4U, 6U}) {
      Into(view, FromBase64(view.text, survey, skipped, view.goes_on), false, layer);
    }
    for (const size_t skipped : {0U, 4U}) {
      Into(view, FromHex(view.text, survey, skipped, view.goes_on), false, layer);
    }
    if (survey.numbers) LookAtNumbers(view, layer);
  }

  void LookAtNumbers(const View& view, int layer) {
    for (const bool decimal : {false, true}) {
      Into(view, FromNumbers(view.text, decimal, view.goes_on), false, layer);
    }
  }

  void Into(const View& source, const std::optional<Decoded>& decoded, bool is_text, int layer) {
    if (!decoded) return;
    if (source.goes_on) Open(source, decoded->open_at());
    const View view{decoded->text(), &source, &*decoded, decoded->goes_on()};
    // A piece's end is text or not by what follows.
    if (is_text || view.goes_on) return Look(view, layer + 1);
    if (!Search(view, true)) return;
    const auto narrow = WithoutNuls(view.text, false);
    if (!narrow) return LookAtBytes(view, layer + 1);
    const View without_nuls{narrow->text(), &view, &*narrow, false};
    if (Search(without_nuls, true)) LookAtBytes(without_nuls, layer + 1);
  }

  void LookAtBytes(const View& view, int layer) {
    if (layer == kRedactedEncodingsMax) return;
    const auto text = OnlyText(view.text);
    if (text) Look({text->text(), &view, &*text, false}, layer);
  }

  const Needles& needles_;
  const size_t work_max_;
  size_t work_ = 0;
  std::vector<ByteRange> found_;
  std::vector<size_t> open_;
};

/// The secrets of the process.
class Concealed {
 public:
  void Add(const std::string& secret) {
    const MutexLock lock(mutex_);
    const size_t before = spellings_.size();
    for (std::string& each : SpellingsOf(secret)) spellings_.insert(std::move(each));
    if (spellings_.size() == before) return;
    needles_ = std::make_shared<const Needles>(
        std::vector<std::string>(spellings_.begin(), spellings_.end()));
  }
  std::shared_ptr<const Needles> needles() const {
    const MutexLock lock(mutex_);
    return needles_;
  }

 private:
  mutable Mutex mutex_;
  std::set<std::string> spellings_ DCP_GUARDED_BY(mutex_);
  std::shared_ptr<const Needles> needles_ DCP_GUARDED_BY(mutex_) =
      std::make_shared<const Needles>(std::vector<std::string>());
};

/// Never destroyed: threads of plugins may speak until the very end.
Concealed& TheConcealed() {
  static auto* concealed = new Concealed;
  return *concealed;
}

}  // namespace

void Conceal(const Secret& secret) {
  if (secret.Reveal().size() >= kRedactedBytesMin) TheConcealed().Add(secret.Reveal());
}

std::string Redact(std::string text) {
  const auto needles = TheConcealed().needles();
  const Inspection inspection(*needles, text, false);
  if (inspection.found().empty()) return text;
  std::string out;
  size_t copied = 0;
  bool first = true;
  for (const ByteRange& range : inspection.found()) {
    if (first || range.begin >= copied) {
      out.append(text, copied, range.begin - copied);
      out += kRedacted;
    }
    copied = std::max(copied, range.end);
    first = false;
  }
  return out.append(text, copied);
}

Status Redact(Status status) {
  if (status.ok()) return status;
  Location location = status.location();
  location.file = Redact(location.file);
  return Status(status.code(), Redact(status.message()))
      .WithId(status.id())
      .WithHint(Redact(status.hint()))
      .WithLogTail(Redact(status.log_tail()))
      .At(std::move(location));
}

size_t RedactableEnd(std::string_view piece) {
  const auto needles = TheConcealed().needles();
  const size_t before = piece.size() - std::min(piece.size(), kOpenWindow);
  const Inspection inspection(*needles, piece.substr(before), true);
  size_t end = piece.size() - before;
  for (const size_t at : inspection.open()) {
    // What begins inside a match goes with it.
    const bool inside =
        std::any_of(inspection.found().begin(), inspection.found().end(),
                    [at](const ByteRange& range) { return range.begin < at && at < range.end; });
    if (!inside) end = std::min(end, at);
  }
  return before + end;
}

size_t RedactionWork(std::string_view text) {
  return Inspection(*TheConcealed().needles(), text, false).work();
}

}  // namespace dcp
