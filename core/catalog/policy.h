// SPDX-License-Identifier: Apache-2.0
//
// What a client may write: the bodies of create, commit and rename requests are judged here, and
// what is passed on is made here from what was judged, so that no other parser can read them
// differently. PERMISSION_DENIED for what is refused, INVALID_ARGUMENT for what is malformed.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/names.h"

namespace dcp::catalog {

/// A create request as judged.
struct CreateRequest {
  std::string name;
  bool staged = false;
};
Result<CreateRequest> ReadCreate(const std::string& body);
/// The body to pass on: with the location assigned. A location or write path of the client's own
/// is refused: at this point it cannot know the assigned one.
Result<std::string> PrepareCreate(const std::string& body, const std::string& assigned_location);

/// The part of a commit that says which table it is about.
struct CommitRequest {
  bool creates = false;                    ///< it requires that the table does not exist
  std::vector<std::string> set_locations;  ///< as the client spells them
};
Result<CommitRequest> ReadCommit(const std::string& body);

/// The table that a commit is for: one that is there, or one to be made at its assigned location.
struct CommitTarget {
  std::string location;
  std::string uuid;  ///< empty for a new table, which brings its own
};
/// The body to pass on, when every requirement and update is a known one, every location in them
/// lies under the table's, and nothing in them would leave a table that cannot be loaded.
Result<std::string> PrepareCommit(const std::string& body, const CommitTarget& target);

/// PERMISSION_DENIED when `key` is a property that decides where or by what code a table's files
/// are written, and `value` leads out of `table_location`.
Status CheckTableProperty(const std::string& key, const std::string& value,
                          const std::string& table_location);

struct RenameRequest {
  TableName source;
  TableName destination;
};
Result<RenameRequest> ReadRename(const std::string& body);
std::string RenameBody(const Levels& source_levels, const Levels& destination_levels,
                       const RenameRequest& request);

}  // namespace dcp::catalog
