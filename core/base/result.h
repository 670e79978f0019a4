// SPDX-License-Identifier: Apache-2.0
//
// Result<T>: a value or the Status that explains its absence, and the two macros that pass a
// failure on.
#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include "base/status.h"

namespace dcp {

template <typename T>
class [[nodiscard]] Result {
  static_assert(!std::is_same_v<std::remove_cv_t<T>, Status>, "use Status itself");

 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}        // NOLINT: implicit
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {  // NOLINT: implicit
    DCP_CHECK(!std::get<1>(state_).ok());  // an OK status carries no value
  }

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  /// The value; the process ends if there is none.
  T& value() & {
    DCP_CHECK(ok());
    return std::get<0>(state_);
  }
  const T& value() const& {
    DCP_CHECK(ok());
    return std::get<0>(state_);
  }
  /// By value, so that `for (auto& x : List().value())` does not dangle.
  T value() && {
    DCP_CHECK(ok());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  T value_or(T fallback) const& { return ok() ? std::get<0>(state_) : std::move(fallback); }

  /// OK when there is a value.
  Status status() const& { return ok() ? Status() : std::get<1>(state_); }
  Status status() && { return ok() ? Status() : std::get<1>(std::move(state_)); }

  /// Adds context to the failure, if it is one.
  Result&& With(std::string_view context) && {
    if (!ok()) std::get<1>(state_) = std::get<1>(state_).With(context);
    return std::move(*this);
  }

 private:
  std::variant<T, Status> state_;
};

}  // namespace dcp

/// Returns from the caller when `expression` (a Status) is not OK.
#define DCP_TRY(expression)                                                     \
  do {                                                                          \
    if (auto dcp_status_ = (expression); !dcp_status_.ok()) return dcp_status_; \
  } while (false)

#define DCP_CONCAT_INNER(a, b) a##b
#define DCP_CONCAT(a, b) DCP_CONCAT_INNER(a, b)

/// `DCP_ASSIGN(auto table, LoadTable(id));` declares `table`, or returns the failure.
#define DCP_ASSIGN(declaration, expression) \
  DCP_ASSIGN_INNER(DCP_CONCAT(dcp_result_, __LINE__), declaration, expression)
#define DCP_ASSIGN_INNER(result, declaration, expression) \
  auto result = (expression);                             \
  if (!result.ok()) return std::move(result).status();    \
  declaration = std::move(result).value()
