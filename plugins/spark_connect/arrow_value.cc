// SPDX-License-Identifier: Apache-2.0
#include "arrow_value.h"

#include <google/protobuf/struct.pb.h>
#include <nanoarrow/nanoarrow.h>

#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace dcp::spark_connect {
namespace {

using google::protobuf::Value;

// A value in an array; nanoarrow's readers are plain C, made of casts, so they stay here.
int64_t IntegerAt(const ArrowArrayView& array, int64_t i) {
  return ArrowArrayViewGetIntUnsafe(&array, i);
}
std::string_view BytesAt(const ArrowArrayView& array, int64_t i) {
  const ArrowBufferView bytes = ArrowArrayViewGetBytesUnsafe(&array, i);
  return {bytes.data.as_char, static_cast<size_t>(bytes.size_bytes)};
}

nlohmann::json ToJson(const Value& value) {
  switch (value.kind_case()) {
    case Value::kBoolValue:
      return value.bool_value();
    case Value::kNumberValue: {
      // Whole numbers as such: every integer that comes as a number is one.
      const double number = value.number_value();
      const auto whole = static_cast<int64_t>(std::abs(number) < 1e15 ? number : 0.5);
      return static_cast<double>(whole) == number ? nlohmann::json(whole) : nlohmann::json(number);
    }
    case Value::kStringValue:
      return value.string_value();
    case Value::kListValue: {
      auto list = nlohmann::json::array();
      for (const Value& item : value.list_value().values()) list.push_back(ToJson(item));
      return list;
    }
    case Value::kStructValue: {
      auto object = nlohmann::json::object();
      for (const auto& [key, item] : value.struct_value().fields()) object[key] = ToJson(item);
      return object;
    }
    default:
      return nullptr;
  }
}

// Lists and objects that a value of this kind is.
int LevelsOf(Kind kind) {
  if (kind == Kind::kMap) return 2;
  return kind == Kind::kStruct || kind == Kind::kList || kind == Kind::kFixedList ? 1 : 0;
}

class Writer {
 public:
  explicit Writer(int64_t* left) : left_(left) {}
  const std::string& wrong() const { return wrong_; }

  // `depth` counts the lists and objects around the value.
  void Write(const ColumnReader& column, const ArrowArrayView& array, int64_t i, int depth,
             Value* out) {
    if (column.kind == Kind::kNull || ArrowArrayViewIsNull(&array, i) != 0) {
      Spend(4);
      out->set_null_value(google::protobuf::NULL_VALUE);
      return;
    }
    const int own = LevelsOf(column.kind);
    if (own > 0 && depth > 0 && depth + own > kValueDepthMax) {
      Value deep;
      WriteNested(column, array, i, own, &deep);
      Text(ToJson(deep).dump(), out);
    } else if (own > 0) {
      WriteNested(column, array, i, depth + own, out);
    } else {
      WritePlain(column, array, i, out);
    }
  }

 private:
  void Spend(int64_t bytes) { *left_ -= bytes; }

  void Text(std::string text, Value* out) {
    Spend(JsonBytes(text));
    out->set_string_value(std::move(text));
  }

  // JSON has no such numbers, and readers lose the sign of -0.0.
  void Number(double value, Value* out) {
    if (std::isnan(value)) return Text("NaN", out);
    if (std::isinf(value)) return Text(value < 0 ? "-Infinity" : "Infinity", out);
    if (value == 0 && std::signbit(value)) return Text("-0.0", out);
    Spend(8);
    out->set_number_value(value);
  }

  // The shortest number that is this float: 0.1, not 0.10000000149011612.
  static double Widen(float value) {
    std::array<char, 32> text{};
    const auto written = std::to_chars(text.data(), text.data() + text.size(), value);
    double wide = value;
    std::from_chars(text.data(), written.ptr, wide);
    return wide;
  }

  void WritePlain(const ColumnReader& column, const ArrowArrayView& array, int64_t i, Value* out) {
    switch (column.kind) {
      case Kind::kBoolean:
        Spend(5);
        return out->set_bool_value(IntegerAt(array, i) != 0);
      case Kind::kInteger:
        return Number(static_cast<double>(IntegerAt(array, i)), out);
      case Kind::kLong:
        return Text(std::to_string(IntegerAt(array, i)), out);
      case Kind::kFloat: {
        const auto value = static_cast<float>(ArrowArrayViewGetDoubleUnsafe(&array, i));
        return Number(std::isfinite(value) ? Widen(value) : value, out);
      }
      case Kind::kDouble:
        return Number(ArrowArrayViewGetDoubleUnsafe(&array, i), out);
      case Kind::kDecimal:
        return Text(DecimalText(array.buffer_views[1].data.as_uint8 + 16 * i, column.scale), out);
      case Kind::kText:
        // The text is not made longer than it is paid for.
        if (static_cast<int64_t>(BytesAt(array, i).size()) > *left_) return Spend(*left_ + 1);
        return Text(Utf8Text(BytesAt(array, i)), out);
      case Kind::kBinary:
        if (static_cast<int64_t>(BytesAt(array, i).size()) > *left_) return Spend(*left_ + 1);
        return Text(Base64Text(BytesAt(array, i)), out);
      default:
        return WriteTime(column, array, i, out);
    }
  }

  void WriteTime(const ColumnReader& column, const ArrowArrayView& array, int64_t i, Value* out) {
    switch (column.kind) {
      case Kind::kDate:
        return Text(DateText(IntegerAt(array, i)), out);
      case Kind::kTimestamp:
        return Text(TimestampText(IntegerAt(array, i)) + "Z", out);
      case Kind::kTimestampNtz:
        return Text(TimestampText(IntegerAt(array, i)), out);
      case Kind::kTime: {
        // No time of a day is as long, whatever the stream says.
        constexpr int64_t kDayNanos = int64_t{86'400} * 1'000'000'000;
        const int64_t value = IntegerAt(array, i);
        if (value < 0 || value >= kDayNanos / column.unit) {
          wrong_ = "a time that is none in column " + column.name;
          return;
        }
        return Text(TimeText(value * column.unit), out);
      }
      case Kind::kDayTime:
        return Text(DayTimeText(IntegerAt(array, i), column.interval), out);
      case Kind::kYearMonth:
      case Kind::kCalendarInterval: {
        ArrowInterval interval{};
        ArrowArrayViewGetIntervalUnsafe(&array, i, &interval);
        return Text(column.kind == Kind::kYearMonth
                        ? YearMonthText(interval.months, column.interval)
                        : CalendarIntervalText(interval.months, interval.days, interval.ns / 1000),
                    out);
      }
      default:
        wrong_ = "a value that cannot be written in column " + column.name;
    }
  }

  void WriteNested(const ColumnReader& column, const ArrowArrayView& array, int64_t i, int depth,
                   Value* out) {
    if (column.kind == Kind::kStruct) {
      Spend(2);
      auto& fields = *out->mutable_struct_value()->mutable_fields();
      for (size_t c = 0; c < column.children.size() && Goes(); ++c) {
        const ColumnReader& child = column.children[c];
        Spend(JsonBytes(child.name) + 2);
        Write(child, *array.children[c], i, depth, &fields[child.name]);
      }
      return;
    }
    Spend(2);
    auto* list = out->mutable_list_value();
    int64_t from = i * column.size;
    int64_t to = from + column.size;
    if (column.kind != Kind::kFixedList) {
      from = ArrowArrayViewListChildOffset(&array, i);
      to = ArrowArrayViewListChildOffset(&array, i + 1);
    }
    for (int64_t at = from; at < to && Goes(); ++at) {
      Spend(1);
      Value* item = list->add_values();
      if (column.kind == Kind::kMap) {
        WriteEntry(column, *array.children[0], at, depth, item);
      } else {
        Write(column.children[0], *array.children[0], at, depth, item);
      }
    }
  }

  void WriteEntry(const ColumnReader& map, const ArrowArrayView& entries, int64_t i, int depth,
                  Value* out) {
    Spend(2);
    auto& fields = *out->mutable_struct_value()->mutable_fields();
    constexpr std::array<const char*, 2> kNames = {"key", "value"};
    for (size_t c = 0; c < 2; ++c) {
      Spend(8);
      Write(map.children[c], *entries.children[c], i, depth, &fields[kNames.at(c)]);
    }
  }

  bool Goes() const { return *left_ >= 0 && wrong_.empty(); }

  int64_t* left_;
  std::string wrong_;
};

// What the type is called in a message.
std::string Unreadable(const ArrowSchema& schema, const char* why) {
  return "column " + Utf8Text(schema.name == nullptr ? "" : schema.name) + ": " + why;
}

constexpr int kScaleMax = 76;  // of any decimal of Arrow's: a larger one is no scale

std::string Scalar(const ArrowSchemaView& view, ColumnReader* column) {
  switch (view.type) {
    case NANOARROW_TYPE_NA:
      column->kind = Kind::kNull;
      return {};
    case NANOARROW_TYPE_BOOL:
      column->kind = Kind::kBoolean;
      return {};
    case NANOARROW_TYPE_INT8:
    case NANOARROW_TYPE_INT16:
    case NANOARROW_TYPE_INT32:
      column->kind = Kind::kInteger;
      return {};
    case NANOARROW_TYPE_INT64:
      column->kind = Kind::kLong;
      return {};
    case NANOARROW_TYPE_FLOAT:
      column->kind = Kind::kFloat;
      return {};
    case NANOARROW_TYPE_DOUBLE:
      column->kind = Kind::kDouble;
      return {};
    case NANOARROW_TYPE_DECIMAL128:
      column->kind = Kind::kDecimal;
      column->scale = view.decimal_scale;
      return column->scale < -kScaleMax || column->scale > kScaleMax ? "a scale that is none" : "";
    case NANOARROW_TYPE_STRING:
    case NANOARROW_TYPE_LARGE_STRING:
      column->kind = Kind::kText;
      return {};
    case NANOARROW_TYPE_BINARY:
    case NANOARROW_TYPE_LARGE_BINARY:
      column->kind = Kind::kBinary;
      return {};
    case NANOARROW_TYPE_DATE32:
      column->kind = Kind::kDate;
      return {};
    case NANOARROW_TYPE_TIMESTAMP:
      column->kind =
          view.timezone == nullptr || *view.timezone == 0 ? Kind::kTimestampNtz : Kind::kTimestamp;
      return view.time_unit == NANOARROW_TIME_UNIT_MICRO ? "" : "a timestamp in other units";
    case NANOARROW_TYPE_TIME64:
      column->kind = Kind::kTime;
      column->unit = view.time_unit == NANOARROW_TIME_UNIT_MICRO ? 1000 : 1;
      return {};
    case NANOARROW_TYPE_DURATION:
      column->kind = Kind::kDayTime;
      return view.time_unit == NANOARROW_TIME_UNIT_MICRO ? "" : "a duration in other units";
    case NANOARROW_TYPE_INTERVAL_MONTHS:
      column->kind = Kind::kYearMonth;
      return {};
    case NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO:
      column->kind = Kind::kCalendarInterval;
      return {};
    default:
      return std::string("type ") + ArrowTypeString(view.type) + " of Arrow, which Spark has not";
  }
}

std::string MakeColumn(const ArrowSchema& schema, const TypeHint& hint, int depth,
                       ColumnReader* column);

std::string MakeChildren(const ArrowSchema& schema, const TypeHint& hint, int depth,
                         ColumnReader* column) {
  const auto count = static_cast<size_t>(schema.n_children);
  static const TypeHint none;
  for (size_t c = 0; c < count; ++c) {
    const TypeHint& child = hint.children.size() == count ? hint.children[c] : none;
    std::string wrong =
        MakeColumn(*schema.children[c], child, depth + 1, &column->children.emplace_back());
    if (!wrong.empty()) return wrong;
  }
  return {};
}

std::string MakeColumn(const ArrowSchema& schema, const TypeHint& hint, int depth,
                       ColumnReader* column) {
  if (depth > kArrowDepthMax) return Unreadable(schema, "types are nested too deep");
  if (schema.dictionary != nullptr) return Unreadable(schema, "a dictionary");
  ArrowSchemaView view{};
  ArrowError error{};
  if (ArrowSchemaViewInit(&view, &schema, &error) != NANOARROW_OK) {
    return Unreadable(schema, std::string(error.message).c_str());
  }
  column->name = Utf8Text(schema.name == nullptr ? "" : schema.name);
  // What Spark itself takes when a type names no fields.
  column->interval = hint.interval.value_or(
      view.type == NANOARROW_TYPE_INTERVAL_MONTHS ? IntervalFields{0, 1} : IntervalFields{0, 3});
  switch (view.type) {
    case NANOARROW_TYPE_STRUCT:
      column->kind = Kind::kStruct;
      return MakeChildren(schema, hint, depth, column);
    case NANOARROW_TYPE_LIST:
    case NANOARROW_TYPE_LARGE_LIST:
    case NANOARROW_TYPE_FIXED_SIZE_LIST:
      column->kind = view.type == NANOARROW_TYPE_FIXED_SIZE_LIST ? Kind::kFixedList : Kind::kList;
      column->size = view.type == NANOARROW_TYPE_FIXED_SIZE_LIST ? view.fixed_size : 0;
      if (schema.n_children != 1) return Unreadable(schema, "a list of no type");
      return MakeChildren(schema, hint, depth, column);
    case NANOARROW_TYPE_MAP: {
      column->kind = Kind::kMap;
      if (schema.n_children != 1 || schema.children[0]->n_children != 2) {
        return Unreadable(schema, "a map without keys and values");
      }
      return MakeChildren(*schema.children[0], hint, depth + 1, column);
    }
    default: {
      const std::string wrong = Scalar(view, column);
      return wrong.empty() ? wrong : Unreadable(schema, wrong.c_str());
    }
  }
}

}  // namespace

std::string MakeColumns(const ArrowSchema& schema, const std::vector<TypeHint>& hints,
                        std::vector<ColumnReader>* columns) {
  TypeHint hint;
  hint.children = hints;
  ColumnReader root;
  std::string wrong = MakeColumn(schema, hint, 0, &root);
  if (wrong.empty() && root.kind != Kind::kStruct) wrong = "the schema is of no table";
  *columns = std::move(root.children);
  return wrong;
}

std::string ReadRow(const std::vector<ColumnReader>& columns, const ArrowArrayView& batch,
                    int64_t row, int64_t* left, google::protobuf::ListValue* values) {
  if (batch.n_children != static_cast<int64_t>(columns.size())) return "a batch of other columns";
  Writer writer(left);
  for (size_t c = 0; c < columns.size() && *left >= 0 && writer.wrong().empty(); ++c) {
    *left -= 1;
    writer.Write(columns[c], *batch.children[c], row, 0, values->add_values());
  }
  return writer.wrong();
}

}  // namespace dcp::spark_connect
