// SPDX-License-Identifier: Apache-2.0
//
// The objects of the Iceberg REST protocol that clients send, one table each. For shapes.cc alone.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace dcp::catalog::protocol {

enum class Kind {
  kText,
  kInt,
  kLong,
  kBool,
  kAny,
  kTexts,
  kInts,
  kLongs,
  kMap,
  kObject,
  kObjects,
  kType
};
enum class Need {
  kMay,
  kMust,
  kNullable,  ///< null where it is absent
  kZero,      ///< 0 where it is absent: the catalog gives it a number of its own
};

struct Shape;
struct Field {
  std::string_view key;
  Kind kind;
  Need need = Need::kMay;
  const Shape* shape = nullptr;
  std::span<const std::string_view> words = {};  ///< of a text, in upper or lower case
};
/// What members must be to one another; servers notice, and answer 500.
enum class Rule { kNone, kColumnIds, kOrderId };
struct Shape {
  std::string_view name;  ///< the action of an update, the type of a requirement
  std::span<const Field> fields;
  bool closed = false;  ///< a key that is not known is refused
  Rule rule = Rule::kNone;
};

/// Values of the member `tag` that are known, each with its own shape.
struct Choice {
  std::string_view tag;
  std::string_view what;
  std::span<const Shape> shapes;
};

inline constexpr Need kMust = Need::kMust;

// --- schemas, specs, sort orders -----------------------------------------------------------------
inline constexpr std::array kColumnFields = {
    Field{"id", Kind::kInt, kMust},     Field{"name", Kind::kText, kMust},
    Field{"type", Kind::kType, kMust},  Field{"required", Kind::kBool, kMust},
    Field{"doc", Kind::kText},          Field{"initial-default", Kind::kAny},
    Field{"write-default", Kind::kAny},
};
inline constexpr Shape kColumn = {"column", kColumnFields};
inline constexpr std::array<std::string_view, 1> kStructWord = {"struct"};
inline constexpr std::array kSchemaFields = {
    Field{"type", Kind::kText, kMust, nullptr, kStructWord},
    Field{"fields", Kind::kObjects, kMust, &kColumn},
    Field{"schema-id", Kind::kInt},
    Field{"identifier-field-ids", Kind::kInts},
};
inline constexpr Shape kSchema = {"schema", kSchemaFields, false, Rule::kColumnIds};
inline constexpr std::array kStructFields = {Field{"type", Kind::kText, kMust},
                                             Field{"fields", Kind::kObjects, kMust, &kColumn}};
inline constexpr std::array kListFields = {
    Field{"type", Kind::kText, kMust}, Field{"element-id", Kind::kInt, kMust},
    Field{"element", Kind::kType, kMust}, Field{"element-required", Kind::kBool, kMust}};
inline constexpr std::array kMapFields = {
    Field{"type", Kind::kText, kMust},  Field{"key-id", Kind::kInt, kMust},
    Field{"key", Kind::kType, kMust},   Field{"value-id", Kind::kInt, kMust},
    Field{"value", Kind::kType, kMust}, Field{"value-required", Kind::kBool, kMust}};
inline constexpr std::array kNestedTypes = {Shape{"struct", kStructFields},
                                            Shape{"list", kListFields}, Shape{"map", kMapFields}};

/// Without the three that have parameters.
inline constexpr std::array<std::string_view, 16> kPrimitives = {
    "boolean", "int",       "long",        "float",        "double",         "date",
    "time",    "timestamp", "timestamptz", "timestamp_ns", "timestamptz_ns", "string",
    "uuid",    "binary",    "unknown",     "variant"};

inline constexpr std::array kPartitionFieldFields = {
    Field{"source-id", Kind::kInt, kMust}, Field{"source-ids", Kind::kInts},
    Field{"field-id", Kind::kInt}, Field{"name", Kind::kText, kMust},
    Field{"transform", Kind::kText, kMust}};
inline constexpr Shape kPartitionField = {"partition field", kPartitionFieldFields};
inline constexpr std::array kSpecFields = {
    Field{"spec-id", Kind::kInt, Need::kZero},
    Field{"fields", Kind::kObjects, kMust, &kPartitionField}};
inline constexpr Shape kSpec = {"spec", kSpecFields};

inline constexpr std::array<std::string_view, 2> kDirections = {"asc", "desc"};
inline constexpr std::array<std::string_view, 2> kNullOrders = {"nulls-first", "nulls-last"};
inline constexpr std::array kOrderFieldFields = {
    Field{"source-id", Kind::kInt, kMust}, Field{"source-ids", Kind::kInts},
    Field{"transform", Kind::kText, kMust},
    Field{"direction", Kind::kText, kMust, nullptr, kDirections},
    Field{"null-order", Kind::kText, kMust, nullptr, kNullOrders}};
inline constexpr Shape kOrderField = {"sort field", kOrderFieldFields};
inline constexpr std::array kOrderFields = {Field{"order-id", Kind::kInt, kMust},
                                            Field{"fields", Kind::kObjects, kMust, &kOrderField}};
inline constexpr Shape kOrder = {"sort order", kOrderFields, false, Rule::kOrderId};

// --- snapshots and statistics --------------------------------------------------------------------
inline constexpr std::array kSnapshotFields = {Field{"snapshot-id", Kind::kLong, kMust},
                                               Field{"parent-snapshot-id", Kind::kLong},
                                               Field{"sequence-number", Kind::kLong},
                                               Field{"timestamp-ms", Kind::kLong, kMust},
                                               Field{"manifest-list", Kind::kText},
                                               Field{"manifests", Kind::kTexts},
                                               Field{"summary", Kind::kMap},
                                               Field{"schema-id", Kind::kInt},
                                               Field{"first-row-id", Kind::kLong},
                                               Field{"added-rows", Kind::kLong},
                                               Field{"key-id", Kind::kText}};
inline constexpr Shape kSnapshot = {"snapshot", kSnapshotFields};
inline constexpr std::array kBlobFields = {
    Field{"type", Kind::kText, kMust}, Field{"snapshot-id", Kind::kLong, kMust},
    Field{"sequence-number", Kind::kLong, kMust}, Field{"fields", Kind::kInts, kMust},
    Field{"properties", Kind::kMap}};
inline constexpr Shape kBlob = {"blob", kBlobFields};
inline constexpr std::array kStatisticsFields = {
    Field{"snapshot-id", Kind::kLong, kMust},
    Field{"statistics-path", Kind::kText, kMust},
    Field{"file-size-in-bytes", Kind::kLong, kMust},
    Field{"file-footer-size-in-bytes", Kind::kLong, kMust},
    Field{"key-metadata", Kind::kText},
    Field{"blob-metadata", Kind::kObjects, kMust, &kBlob}};
inline constexpr Shape kStatistics = {"statistics", kStatisticsFields};
inline constexpr std::array kPartitionStatisticsFields = {
    Field{"snapshot-id", Kind::kLong, kMust}, Field{"statistics-path", Kind::kText, kMust},
    Field{"file-size-in-bytes", Kind::kLong, kMust}};
inline constexpr Shape kPartitionStatistics = {"partition statistics", kPartitionStatisticsFields};

// --- updates -------------------------------------------------------------------------------------
inline constexpr Field kAction = {"action", Kind::kText, kMust};
inline constexpr std::array kAssignUuid = {kAction, Field{"uuid", Kind::kText, kMust}};
inline constexpr std::array kUpgrade = {kAction, Field{"format-version", Kind::kInt, kMust}};
inline constexpr std::array kAddSchema = {kAction, Field{"schema", Kind::kObject, kMust, &kSchema},
                                          Field{"last-column-id", Kind::kInt}};
inline constexpr std::array kSchemaId = {kAction, Field{"schema-id", Kind::kInt, kMust}};
inline constexpr std::array kAddSpec = {kAction, Field{"spec", Kind::kObject, kMust, &kSpec}};
inline constexpr std::array kSpecId = {kAction, Field{"spec-id", Kind::kInt, kMust}};
inline constexpr std::array kAddOrder = {kAction,
                                         Field{"sort-order", Kind::kObject, kMust, &kOrder}};
inline constexpr std::array kOrderId = {kAction, Field{"sort-order-id", Kind::kInt, kMust}};
inline constexpr std::array kAddSnapshot = {kAction,
                                            Field{"snapshot", Kind::kObject, kMust, &kSnapshot}};
inline constexpr std::array<std::string_view, 2> kRefTypes = {"branch", "tag"};
inline constexpr std::array kSetRef = {kAction,
                                       Field{"ref-name", Kind::kText, kMust},
                                       Field{"type", Kind::kText, kMust, nullptr, kRefTypes},
                                       Field{"snapshot-id", Kind::kLong, kMust},
                                       Field{"max-ref-age-ms", Kind::kLong},
                                       Field{"max-snapshot-age-ms", Kind::kLong},
                                       Field{"min-snapshots-to-keep", Kind::kInt}};
inline constexpr std::array kRefName = {kAction, Field{"ref-name", Kind::kText, kMust}};
inline constexpr std::array kSnapshotIds = {kAction, Field{"snapshot-ids", Kind::kLongs, kMust}};
inline constexpr std::array kSnapshotId = {kAction, Field{"snapshot-id", Kind::kLong, kMust}};
inline constexpr std::array kSetLocation = {kAction, Field{"location", Kind::kText, kMust}};
// "updated" and "removed" is how old clients spell them, and servers still read both.
inline constexpr std::array kSetProperties = {kAction, Field{"updates", Kind::kMap},
                                              Field{"updated", Kind::kMap}};
inline constexpr std::array kRemoveProperties = {kAction, Field{"removals", Kind::kTexts},
                                                 Field{"removed", Kind::kTexts}};
inline constexpr std::array kSetStatistics = {
    kAction, Field{"snapshot-id", Kind::kLong},
    Field{"statistics", Kind::kObject, kMust, &kStatistics}};
inline constexpr std::array kSetPartitionStatistics = {
    kAction, Field{"partition-statistics", Kind::kObject, kMust, &kPartitionStatistics}};
inline constexpr std::array kSpecIds = {kAction, Field{"spec-ids", Kind::kInts, kMust}};
inline constexpr std::array kSchemaIds = {kAction, Field{"schema-ids", Kind::kInts, kMust}};
inline constexpr std::array kActionAlone = {kAction};

/// Encryption keys are left out: nothing here uses them.
inline constexpr std::array kUpdateShapes = {
    Shape{"assign-uuid", kAssignUuid},
    Shape{"upgrade-format-version", kUpgrade},
    Shape{"add-schema", kAddSchema},
    Shape{"set-current-schema", kSchemaId},
    Shape{"add-spec", kAddSpec},
    Shape{"set-default-spec", kSpecId},
    Shape{"add-sort-order", kAddOrder},
    Shape{"set-default-sort-order", kOrderId},
    Shape{"add-snapshot", kAddSnapshot},
    Shape{"set-snapshot-ref", kSetRef},
    Shape{"remove-snapshots", kSnapshotIds},
    Shape{"remove-snapshot-ref", kRefName},
    Shape{"set-location", kSetLocation},
    // What else stands there may be one more spelling to some server, and would be lost silently.
    Shape{"set-properties", kSetProperties, true},
    Shape{"remove-properties", kRemoveProperties, true},
    Shape{"set-statistics", kSetStatistics},
    Shape{"remove-statistics", kSnapshotId},
    Shape{"set-partition-statistics", kSetPartitionStatistics},
    Shape{"remove-partition-statistics", kSnapshotId},
    Shape{"remove-partition-specs", kSpecIds},
    Shape{"remove-schemas", kSchemaIds},
    Shape{"enable-row-lineage", kActionAlone},
};

// --- requirements --------------------------------------------------------------------------------
inline constexpr Field kType = {"type", Kind::kText, kMust};
inline constexpr std::array kTypeAlone = {kType};
inline constexpr std::array kAssertUuid = {kType, Field{"uuid", Kind::kText, kMust}};
inline constexpr std::array kAssertRef = {kType, Field{"ref", Kind::kText, kMust},
                                          // null has a meaning: no such ref must exist.
                                          Field{"snapshot-id", Kind::kLong, Need::kNullable}};
inline constexpr std::array kAssertFieldId = {kType,
                                              Field{"last-assigned-field-id", Kind::kInt, kMust}};
inline constexpr std::array kAssertSchemaId = {kType,
                                               Field{"current-schema-id", Kind::kInt, kMust}};
inline constexpr std::array kAssertPartitionId = {
    kType, Field{"last-assigned-partition-id", Kind::kInt, kMust}};
inline constexpr std::array kAssertSpecId = {kType, Field{"default-spec-id", Kind::kInt, kMust}};
inline constexpr std::array kAssertOrderId = {kType,
                                              Field{"default-sort-order-id", Kind::kInt, kMust}};
inline constexpr std::array kRequirementShapes = {
    Shape{"assert-create", kTypeAlone},
    Shape{"assert-table-uuid", kAssertUuid},
    Shape{"assert-ref-snapshot-id", kAssertRef},
    Shape{"assert-last-assigned-field-id", kAssertFieldId},
    Shape{"assert-current-schema-id", kAssertSchemaId},
    Shape{"assert-last-assigned-partition-id", kAssertPartitionId},
    Shape{"assert-default-spec-id", kAssertSpecId},
    Shape{"assert-default-sort-order-id", kAssertOrderId},
};

inline constexpr Choice kUpdates = {"action", "update", kUpdateShapes};
inline constexpr Choice kRequirements = {"type", "requirement", kRequirementShapes};

// --- whole bodies --------------------------------------------------------------------------------
inline constexpr std::array kIdentifierFields = {Field{"namespace", Kind::kTexts, kMust},
                                                 Field{"name", Kind::kText, kMust}};
inline constexpr Shape kIdentifier = {"identifier", kIdentifierFields};
inline constexpr std::array kCreateTableFields = {
    Field{"name", Kind::kText, kMust},
    Field{"location", Kind::kText},
    Field{"schema", Kind::kObject, kMust, &kSchema},
    Field{"partition-spec", Kind::kObject, Need::kMay, &kSpec},
    Field{"write-order", Kind::kObject, Need::kMay, &kOrder},
    Field{"stage-create", Kind::kBool},
    Field{"properties", Kind::kMap}};
inline constexpr std::array kRenameFields = {
    Field{"source", Kind::kObject, kMust, &kIdentifier},
    Field{"destination", Kind::kObject, kMust, &kIdentifier}};
inline constexpr std::array kCreateNamespaceFields = {Field{"namespace", Kind::kTexts, kMust},
                                                      Field{"properties", Kind::kMap, kMust}};
inline constexpr std::array kUpdateNamespaceFields = {Field{"removals", Kind::kTexts, kMust},
                                                      Field{"updates", Kind::kMap, kMust}};
inline constexpr std::array kMetricsFields = {Field{"report-type", Kind::kText, kMust}};

}  // namespace dcp::catalog::protocol
