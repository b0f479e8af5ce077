#include "apimachinery/cel/environment.h"

#include <algorithm>

#include "apimachinery/cel/checker.h"
#include "apimachinery/cel/library/libraries.h"
#include "apimachinery/cel/literal_rules.h"
#include "apimachinery/cel/literals.h"
#include "apimachinery/cel/parser.h"
#include "apimachinery/cel/planner.h"
#include "apimachinery/cel/program.h"
#include "apimachinery/cel/unifier.h"
#include "base/mutex.h"

namespace pintle::apimachinery::cel {

namespace {

using Functions = Environment::Tables::Functions;

void add_to(Functions& functions, std::span<const Function> added) {
  for (const Function& function : added) {
    auto& overloads = functions[std::string(function.name)];
    for (const Overload& overload : function.overloads) overloads.push_back(&overload);
  }
}

}  // namespace

void Environment::Tables::add_functions(std::span<const Function> added) {
  for (const Function& function : added) {
    const auto known = library_functions->find(function.name);
    if (known != library_functions->end()) functions.insert(*known);
  }
  add_to(functions, added);
}

TypeRef Environment::Tables::find_type(std::string_view name, TypePool& pool_of_program) const {
  const auto found = types.find(name);
  if (found != types.end()) return found->second;
  return type_source ? type_source->find_type(name, pool_of_program) : nullptr;
}

std::vector<std::string> Environment::Tables::candidates(std::string_view name) const {
  if (name.starts_with('.')) return {std::string(name.substr(1))};
  std::vector<std::string> all;
  std::string_view within = container;
  while (!within.empty()) {
    all.push_back(std::string(within) + "." + std::string(name));
    const std::size_t dot = within.rfind('.');
    within = dot == std::string_view::npos ? std::string_view() : within.substr(0, dot);
  }
  all.emplace_back(name);
  return all;
}

const std::vector<const Overload*>* Environment::Tables::find_function(std::string_view name, std::string_view* full_name) const {
  for (const std::string& candidate : candidates(name)) {
    auto found = functions.find(candidate);
    if (found == functions.end()) found = library_functions->find(candidate);
    if (found == library_functions->end()) continue;
    *full_name = found->first;
    return &found->second;
  }
  return nullptr;
}

namespace {

struct LibraryTable {
  Library library;
  std::span<const Function> (*functions)();
};
constexpr LibraryTable libraries[] = {{Library::Optionals, optional_functions},
                                      {Library::Strings, string_functions},
                                      {Library::StringsLatest, later_string_functions},
                                      {Library::Sets, set_functions},
                                      {Library::Lists, list_functions},
                                      {Library::KubernetesLists, kubernetes_list_functions},
                                      {Library::Regex, regex_functions},
                                      {Library::Urls, url_functions},
                                      {Library::Ip, ip_functions},
                                      {Library::Cidr, cidr_functions},
                                      {Library::Quantity, quantity_functions},
                                      {Library::Semver, semver_functions},
                                      {Library::Format, format_functions},
                                      {Library::Authorizer, authorizer_functions},
                                      {Library::TwoVariables, map_insert_functions},
                                      {Library::Math, math_functions},
                                      {Library::Encoders, encoder_functions},
                                      {Library::JsonPatch, json_patch_functions}};

// One table for each set of libraries, as few as there are kinds of environments.
std::shared_ptr<const Functions> functions_of(uint32_t wanted) {
  static ThreadMutex mutex;
  static std::map<uint32_t, std::shared_ptr<const Functions>> made;
  ThreadLock lock(mutex);
  std::shared_ptr<const Functions>& at = made[wanted];
  if (at) return at;
  auto functions = std::make_shared<Functions>();
  for (const auto table : {operator_functions(), conversion_functions(), text_functions(), time_functions()}) add_to(*functions, table);
  for (const LibraryTable& table : libraries)
    if (wanted & static_cast<uint32_t>(table.library)) add_to(*functions, table.functions());
  return at = std::move(functions);
}

void add_builtin_types(Environment::Tables& tables) {
  static const Type optional{TypeKind::Opaque, false, "optional_type", {&types::dyn}};
  for (const TypeRef type : {&types::boolean, &types::bytes, &types::floating, &types::duration, &types::integer, &types::list_dyn, &types::map_dyn,
                             &types::null, &types::string, &types::timestamp, &types::type, &types::uinteger})
    tables.types.emplace(std::string(type->name), type);
  const auto with = [&](Library library, std::initializer_list<TypeRef> added) {
    if (!(tables.options.libraries & static_cast<uint32_t>(library))) return;
    for (const TypeRef type : added) tables.types.emplace(std::string(type->name), type);
  };
  with(Library::Optionals, {&optional});
  with(Library::Quantity, {&types::quantity});
  with(Library::Ip, {&types::ip});
  with(Library::Cidr, {&types::cidr});
  with(Library::Urls, {&types::url});
  with(Library::Semver, {&types::semver});
  with(Library::Format, {&types::format});
  with(Library::Authorizer, {&types::authorizer, &types::path_check, &types::group_check, &types::resource_check, &types::decision});
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (true) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::string issues_text(const std::vector<Issue>& issues, std::string_view expression) {
  std::vector<const Issue*> sorted;
  for (const Issue& issue : issues) sorted.push_back(&issue);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Issue* a, const Issue* b) { return std::tie(a->line, a->column) < std::tie(b->line, b->column); });
  const auto lines = lines_of(expression);
  constexpr std::size_t snippet_bytes_max = 16384;
  std::string text;
  for (const Issue* issue : sorted) {
    if (!text.empty()) text += '\n';
    text += "ERROR: <input>:" + (issue->line == 0 ? "-1" : std::to_string(issue->line)) + ":" + std::to_string(issue->column) + ": " + issue->message;
    if (issue->line == 0 || issue->line > lines.size() || lines[issue->line - 1].size() > snippet_bytes_max) continue;
    std::string line(lines[issue->line - 1]);
    std::replace(line.begin(), line.end(), '\t', ' ');
    text += "\n | " + line + "\n | ";
    std::size_t at = 0;
    for (uint32_t column = 1; column < issue->column && at < line.size(); ++column) {
      const std::size_t from = at;
      next_code_point(line, at);
      text += at - from > 1 ? "\uff0e" : ".";
    }
    const std::size_t from = at;
    if (at < line.size()) next_code_point(line, at);
    text += at - from > 1 ? "\uff3e" : "^";
  }
  return text;
}

Environment::Environment(EnvironmentOptions options) : tables_(std::make_shared<Tables>()) {
  tables_->options = options;
  tables_->container = options.container;
  tables_->options.container = tables_->container;
  tables_->library_functions = functions_of(options.libraries);
  add_builtin_types(*tables_);
}
Environment::~Environment() = default;
Environment::Environment(Environment&&) noexcept = default;
Environment& Environment::operator=(Environment&&) noexcept = default;

TypePool& Environment::types() { return *tables_->pool; }
std::size_t Environment::add_variable(std::string_view name, TypeRef type) {
  const std::size_t place = tables_->variables.size();
  const auto [at, added] = tables_->variables.emplace(std::string(name), Variable{place, type});
  return at->second.place;
}
void Environment::add_type(TypeRef type) { tables_->types.emplace(std::string(type->name), type); }
void Environment::set_type_source(const TypeSource* source) { tables_->type_source = source; }
void Environment::add_functions(std::span<const Function> functions) { tables_->add_functions(functions); }

namespace {

Unexpected<Status> refusal(std::vector<Issue> found, std::string_view expression, std::vector<Issue>* issues) {
  auto status = bad_request(issues_text(found, expression));
  if (issues) *issues = std::move(found);
  return status;
}

bool produces(TypeRef type, TypeRef wanted) {
  if (is_dyn_or_error(type) || is_dyn_or_error(wanted)) return true;
  TypePool pool;
  return Unifier(pool).assignable(wanted, type);
}

}  // namespace

Result<Program> Environment::compile(std::string_view expression, TypeRef wanted, std::vector<Issue>* issues) const {
  return compile(expression, wanted, issues, false);
}
Result<Program> Environment::compile_unchecked(std::string_view expression, std::vector<Issue>* issues) const {
  return compile(expression, &types::dyn, issues, true);
}

Result<Program> Environment::compile(std::string_view expression, TypeRef wanted, std::vector<Issue>* issues, bool unchecked) const {
  auto program = std::make_shared<ProgramTables>();
  program->environment = tables_;
  program->pool = std::make_shared<TypePool>();
  std::vector<Issue> found;
  const EnvironmentOptions& options = tables_->options;
  const ParseOptions parse_options{options.libraries, options.quoted_names, options.expression_bytes_max};
  if (!parse(expression, parse_options, program->tree, found)) return refusal(std::move(found), expression, issues);
  check_types(program->tree, *tables_, *program->pool, found, unchecked);
  if (found.empty() && options.validate_literals && !unchecked) check_literals(program->tree, found);
  if (found.empty() && !produces(program->tree.root->type, wanted)) {
    const std::string message = "must evaluate to " + type_text(wanted);
    if (issues) *issues = {{1, 1, message}};
    return bad_request(message);
  }
  if (!found.empty()) return refusal(std::move(found), expression, issues);
  std::string error;
  if (!plan(*program, error)) {
    if (issues) *issues = {{0, 0, error}};
    return bad_request(error);
  }
  return Program(std::move(program));
}

}  // namespace pintle::apimachinery::cel
