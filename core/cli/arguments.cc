// SPDX-License-Identifier: Apache-2.0
//
// Flags through Boost.Program_options.
#include "cli/arguments.h"

#include <boost/program_options.hpp>

#include "base/id.h"

namespace dcp::cli {
namespace {

namespace po = boost::program_options;

po::options_description Describe(const std::vector<Flag>& flags) {
  po::options_description description;
  for (const Flag& flag : flags) {
    std::string name = flag.name;
    if (flag.letter != 0) name += std::string(",") + flag.letter;
    if (flag.value.empty()) {
      description.add_options()(name.c_str(), "");
    } else {
      description.add_options()(name.c_str(), po::value<std::string>(), "");
    }
  }
  return description;
}

Status UnknownFlag(const std::string& given, const std::vector<Flag>& flags) {
  const size_t start = given.find_first_not_of('-');
  const std::string bare =
      start == std::string::npos ? "" : given.substr(start, given.find('=') - start);
  std::vector<std::string> names;
  for (const Flag& flag : flags) names.push_back(flag.name);
  const std::string nearest = Nearest(bare, names);
  return InvalidArgument("unknown flag " + given.substr(0, 80))
      .WithHint(nearest.empty() ? "--help lists the flags of this command"
                                : "did you mean --" + nearest + "?");
}

/// Stands for "given without a value" while Boost parses: with its implicit values `--wait B.yaml`
/// would take the file for the time. No person types this one.
constexpr char kNoValue[] = "\x01";

std::vector<std::string> MarkOptional(const std::vector<Flag>& flags,
                                      std::vector<std::string> line) {
  for (std::string& word : line) {
    if (word == "--") break;
    for (const Flag& flag : flags) {
      if (flag.optional && word == "--" + flag.name) word += std::string("=") + kNoValue;
    }
  }
  return line;
}

/// The parser's own words for a token that failed, as ours.
Result<po::parsed_options> Parse(const std::vector<Flag>& flags,
                                 const po::options_description& description,
                                 const std::vector<std::string>& line) {
  namespace style = po::command_line_style;
  try {
    return po::command_line_parser(line)
        .options(description)
        .style(style::unix_style & ~style::allow_guessing)
        .run();
  } catch (const po::unknown_option& error) {
    return UnknownFlag(error.get_option_name(), flags);
  } catch (const po::error_with_option_name& error) {
    return InvalidArgument(error.what()).WithHint("--help shows how the flag is written");
  } catch (const std::exception& error) {
    return InvalidArgument(std::string("the command line cannot be read: ") + error.what());
  }
}

}  // namespace

std::string Arguments::Text(const std::string& flag) const {
  const auto& values = All(flag);
  return values.empty() ? std::string() : values.back();
}

const std::vector<std::string>& Arguments::All(const std::string& flag) const {
  static const std::vector<std::string> none;
  const auto found = flags_.find(flag);
  return found == flags_.end() ? none : found->second;
}

std::string Arguments::Word(size_t index) const {
  return index < words_.size() ? words_[index] : std::string();
}

Result<Arguments> ParseArguments(const std::vector<Flag>& flags,
                                 const std::vector<std::string>& line) {
  const po::options_description description = Describe(flags);
  DCP_ASSIGN(const po::parsed_options parsed, Parse(flags, description, MarkOptional(flags, line)));
  Arguments arguments;
  for (const auto& option : parsed.options) {
    if (option.position_key >= 0) {
      arguments.words_.insert(arguments.words_.end(), option.value.begin(), option.value.end());
      continue;
    }
    for (const Flag& flag : flags) {
      if (flag.name != option.string_key) continue;
      auto& values = arguments.flags_[flag.name];
      if (!values.empty() && !flag.repeatable && !flag.value.empty()) {
        return InvalidArgument("--" + flag.name + " stands twice").WithHint("give it once");
      }
      const bool none = option.value.empty() || option.value.front() == kNoValue;
      values.push_back(none ? std::string() : option.value.front());
    }
  }
  return arguments;
}

Result<std::map<std::string, std::string>> ParsePairs(const std::string& flag,
                                                      const std::vector<std::string>& texts) {
  std::map<std::string, std::string> pairs;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return InvalidArgument("--" + flag + " " + text.substr(0, 80) + " is not KEY=VALUE")
          .WithHint("write --" + flag + " key=value");
    }
    const std::string key = text.substr(0, equals);
    if (!pairs.emplace(key, text.substr(equals + 1)).second) {
      return InvalidArgument("--" + flag + " " + key + " stands twice").WithHint("give it once");
    }
  }
  return pairs;
}

}  // namespace dcp::cli
