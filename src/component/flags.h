// Command-line flags with upstream's grammar (spf13/pflag): --name=value, --name value, booleans without a value,
// -v N. A component states its flags as one table; parse() checks each value against the flag's type.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "rt/clock.h"

namespace pintle::component {

enum class FlagType : uint8_t {
  Bool,
  Int,
  Float,
  String,
  Duration,     // Go's form: 1h30m, 500ms
  Strings,      // comma-separated (CSV), repeatable; the values add up
  StringArray,  // repeatable, each value taken whole
  Ip,           // numeric address
  PortRange,    // "a-b", "a+n" or "a"
  Map,          // k=v,k2=v2, repeatable
  Quantity,     // 10Mi
  Int32Slice,   // comma-separated integers
  CertKey,      // cert,key[:domain,...], repeatable
  FileLevels,   // pattern=N,... of source files (log.h)
  Version,      // true, false, raw or a version string
};

// What setting a flag does that is known and not built.
enum class WithoutEffect : uint8_t {
  Announced,  // it warns once at start: what is missing is convenience, or less is allowed than was asked for
  Refused,    // the program does not start: going on without it would leave open what the flag closes, or lose data
};

struct FlagSpec {
  std::string_view name;
  FlagType type = FlagType::String;
  std::string_view default_value;  // as upstream prints it; "" for the zero value
  std::string_view help;
  char short_name = 0;
  bool deprecated = false;
  // False: the flag is checked, and its effect comes with a later release; `unbuilt` says what setting it does until then.
  bool effective = false;
  WithoutEffect unbuilt = WithoutEffect::Announced;
};

// Parses Go's duration text ("1m0s"). BadRequest on anything else.
Result<rt::Duration> parse_go_duration(std::string_view text);
// What Go takes for a boolean (1, t, true, True ...); nullopt on anything else.
std::optional<bool> parse_go_bool(std::string_view text);
// Both ends inclusive. Accepts "30000-32767", "30000+100", "30000".
Result<std::pair<uint16_t, uint16_t>> parse_port_range(std::string_view text);

// Every set of flags has it, whether its table says so or not.
inline constexpr FlagSpec help_flag{"help", FlagType::Bool, "", "Show this help", 'h', false, true};

class FlagSet {
 public:
  // `specs` must outlive the set.
  FlagSet(std::string program, std::span<const FlagSpec> specs);

  // Up to `most` arguments may stand between the flags, called `what` in the help ("[TOKEN]"). Before parse().
  void take_arguments(std::string what, std::size_t most);
  // Reads the arguments after the program's name. BadRequest with one clear line for an unknown or ill-formed flag, and for
  // one that is refused until it works, unless it is given its default.
  Result<Unit> parse(std::span<const char* const> args);

  // Whether the command line named the flag.
  bool is_set(std::string_view name) const;
  // The value, or the default. The flag must exist with that type: CHECK.
  bool get_bool(std::string_view name) const;
  int64_t get_int(std::string_view name) const;
  double get_float(std::string_view name) const;
  std::string get_string(std::string_view name) const;
  rt::Duration get_duration(std::string_view name) const;
  std::vector<std::string> get_list(std::string_view name) const;
  std::map<std::string, std::string> get_map(std::string_view name) const;

  const std::vector<std::string>& arguments() const { return arguments_; }
  bool help_requested() const { return help_; }
  // --version, --version=raw ...: "" when absent.
  const std::string& version_requested() const { return version_; }
  // Flags that were set to something else than their default and have no effect yet, in the order given.
  std::vector<std::string> without_effect() const;
  const std::vector<std::string>& deprecated_used() const { return deprecated_used_; }
  // Every flag's value or default as Go prints it, by name.
  std::vector<std::pair<std::string, std::string>> values() const;
  // Every flag with type, default and description.
  std::string help() const;

 private:
  const FlagSpec* find(std::string_view name) const;
  const FlagSpec* find_short(char name) const;
  const FlagSpec& require(std::string_view name) const;
  std::string_view raw(const FlagSpec& spec) const;
  Result<Unit> store(const FlagSpec& spec, std::string_view value);
  Result<Unit> refuse_unbuilt() const;

  std::string program_;
  std::span<const FlagSpec> specs_;
  std::map<std::string_view, std::vector<std::string>> values_;
  std::vector<std::string> without_effect_;
  std::vector<std::string> deprecated_used_;
  std::vector<std::string> arguments_;
  std::string arguments_help_;
  std::size_t arguments_max_ = 0;
  std::string version_;
  bool help_ = false;
};

}  // namespace pintle::component
