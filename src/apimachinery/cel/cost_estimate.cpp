// The estimate: the tree is walked with ranges of sizes. Source: cel-go's checker/cost.go and Kubernetes' estimator; definitions are accepted
// or refused by these numbers, so that every oddity counts.
#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "apimachinery/cel/call_cost.h"
#include "apimachinery/cel/call_estimate.h"
#include "apimachinery/cel/literals.h"
#include "apimachinery/cel/program.h"
#include "apimachinery/cel/program_tables.h"

namespace pintle::apimachinery::cel {
namespace {

enum class Container : uint8_t { Unknown, List, Map };
struct EntrySize {
  Container container = Container::Unknown;
  SizeEstimate key, value;
};
struct Path {
  const Path* before = nullptr;
  std::string_view step;
};

class Coster final : public ArgumentSizes {
 public:
  Coster(const ProgramTables& program, const SizeSource* sizes) : program_(program), sizes_(sizes) {}

  CostEstimate cost(const Expr* e) {
    switch (e->kind) {
      case Expr::Kind::Literal: return {};
      case Expr::Kind::Ident: return ident(e);
      case Expr::Kind::Select: return select(e);
      case Expr::Kind::Call: return call(e);
      case Expr::Kind::List: return list(e);
      case Expr::Kind::Map: return map(e);
      case Expr::Kind::Struct: return structure(e);
      case Expr::Kind::Loop: return is_bind(e) ? bind(e) : loop(e);
    }
    return {};
  }

  SizeEstimate size_or_unknown(const Expr* e) override { return size(e).value_or(SizeEstimate{}); }
  // The size of the elements of a list: declared where the list is, or unknown.
  SizeEstimate element_size(const Expr* e) override {
    const Path* path = outside(path_of(e));
    if (path) {
      const Path items{path, "@items"};
      if (const auto declared = declared_size(&items, e->type->params[0])) return *declared;
    }
    return {};
  }

 private:
  struct Local {
    const Path* path;
    std::optional<SizeEstimate> size;
    std::optional<EntrySize> entry;
  };

  const Path* step(const Path* before, std::string_view step) { return arena_.make<Path>(Path{before, step}); }
  const Local* local(std::string_view name) const {
    const auto found = locals_.find(name);
    return found == locals_.end() || found->second.empty() ? nullptr : &found->second.back();
  }
  const Path* path_of(const Expr* e) const {
    if (e->kind == Expr::Kind::Ident)
      if (const Local* found = local(e->name)) return found->path;
    const auto found = paths_.find(e);
    return found == paths_.end() ? nullptr : found->second;
  }
  // Paths from accumulators lead nowhere.
  static const Path* outside(const Path* path) {
    const Path* root = path;
    while (root && root->before) root = root->before;
    return root && root->step == accumulator_name ? nullptr : path;
  }

  std::optional<SizeEstimate> declared_size(const Path* path, TypeRef type) const {
    std::vector<std::string_view> steps;
    for (const Path* at = path; at; at = at->before) steps.insert(steps.begin(), at->step);
    if (steps.empty()) return std::nullopt;
    if (sizes_)
      if (const auto known = sizes_->size(steps, type)) return known;
    const auto variable = program_.environment->variables.find(steps[0]);
    if (variable == program_.environment->variables.end()) return std::nullopt;
    TypeRef at = variable->second.type;
    for (std::size_t i = 1; i < steps.size() && at; ++i) at = inside(at, steps[i]);
    if (!at || at->size_max == size_unknown) return std::nullopt;
    return SizeEstimate{0, at->size_max};
  }
  static TypeRef inside(TypeRef type, std::string_view step) {
    if (step == "@items" || step == "@values") return type->params.empty() ? nullptr : type->params.back();
    if (step == "@keys") return type->kind == TypeKind::Map ? type->params[0] : nullptr;
    return type->fields ? type->fields->find(step).type : nullptr;
  }

  static std::optional<SizeEstimate> literal_size(const Expr* e) {
    const auto fixed = [](uint64_t n) { return SizeEstimate{n, n}; };
    if (e->kind == Expr::Kind::List) return fixed(e->args.size());
    if (e->kind == Expr::Kind::Map) return fixed(e->args.size() / 2);
    if (e->kind == Expr::Kind::Literal) return fixed(size_of(e->constant));
    return std::nullopt;
  }
  static bool is_scalar(TypeRef type) {
    switch (type->kind) {
      case TypeKind::Bool:
      case TypeKind::Double:
      case TypeKind::Duration:
      case TypeKind::Int:
      case TypeKind::Timestamp:
      case TypeKind::Uint: return !type->nullable || true;
      default: return is_optional(type) && is_scalar(type->params[0]);
    }
  }
  std::optional<SizeEstimate> size(const Expr* e) {
    if (const auto known = computed_.find(e); known != computed_.end()) return known->second;
    if (const auto known = literal_size(e)) return known;
    if (const auto known = declared_size(path_of(e), e->type)) {
      computed_[e] = *known;
      return known;
    }
    if (is_scalar(e->type)) return SizeEstimate{1, 1};
    if (e->kind == Expr::Kind::Ident)
      if (const Local* found = local(e->name)) return found->size;
    return std::nullopt;
  }
  void set_size(const Expr* e, const std::optional<SizeEstimate>& size) {
    if (size) computed_[e] = *size;
  }
  std::optional<EntrySize> entry_size(const Expr* e) const {
    if (const auto known = entries_.find(e); known != entries_.end()) return known->second;
    if (e->kind == Expr::Kind::Ident)
      if (const Local* found = local(e->name)) return found->entry;
    return std::nullopt;
  }
  static std::optional<EntrySize> united(const std::optional<EntrySize>& a, const std::optional<EntrySize>& b) {
    if (!a || !b) return std::nullopt;
    return EntrySize{a->container, a->key | b->key, a->value | b->value};
  }

  CostEstimate ident(const Expr* e) {
    const Local* found = local(e->name);
    paths_[e] = found ? found->path : step(nullptr, e->name);
    return fixed_cost(access_cost);
  }
  CostEstimate select(const Expr* e) {
    const CostEstimate of_operand = cost(e->target);
    if (e->test_only) return of_operand;
    paths_[e] = step(path_of(e->target), e->name);
    switch (e->target->type->kind) {
      case TypeKind::Map:
      case TypeKind::Struct:
      case TypeKind::Param: return of_operand + fixed_cost(access_cost);
      default: return of_operand;
    }
  }

  CostEstimate call(const Expr* e) {
    if (e->name == "dyn") {
      const CostEstimate of_argument = cost(e->args[0]);
      set_size(e, size(e->args[0]));
      if (const auto entry = entry_size(e->args[0])) entries_[e] = *entry;
      return fixed_cost(1) + of_argument;
    }
    std::vector<CostEstimate> arguments;
    for (const Expr* arg : e->args) arguments.push_back(cost(arg));
    if (e->overloads.empty() && e->name != "_?._") return {};
    const CostEstimate of_target = e->target ? cost(e->target) : CostEstimate{};
    CostEstimate of_call{UINT64_MAX, 0};
    std::optional<SizeEstimate> result;
    const auto consider = [&](std::string_view overload) {
      const CallEstimate estimate = of_overload(e, overload, arguments);
      of_call = of_call | estimate.cost;
      if (estimate.result) result = result ? *result | *estimate.result : *estimate.result;
      if (overload == "index_list" || overload == "index_map") {
        const auto entry = entry_size(e->args[0]);
        result = entry ? std::optional(entry->value) : std::nullopt;
        paths_[e] = step(path_of(e->args[0]), overload == "index_list" ? "@items" : "@values");
      }
      if (!result) result = size(e);
    };
    if (e->name == "_?._") consider("select_optional_field");
    for (const Overload* overload : e->overloads) consider(overload->id);
    set_size(e, result);
    return of_target + of_call;
  }

  CallEstimate of_overload(const Expr* e, std::string_view overload, const std::vector<CostEstimate>& arguments) {
    CostEstimate sum;
    for (const CostEstimate& one : arguments) sum = sum + one;
    if (auto estimate = library_estimate(*e, overload, *this)) return {estimate->cost + sum, estimate->result};
    if (overload == "logical_or" || overload == "logical_and") return {{arguments[0].min, (arguments[0] + arguments[1]).max}, std::nullopt};
    if (overload == "conditional") {
      if (const auto entry = united(entry_size(e->args[1]), entry_size(e->args[2]))) entries_[e] = *entry;
      return {arguments[0] + (arguments[1] | arguments[2]), size_or_unknown(e->args[1]) | size_or_unknown(e->args[2])};
    }
    if (overload == "add_string" || overload == "add_bytes" || overload == "add_list") {
      const SizeEstimate both = size_or_unknown(e->args[0]) + size_or_unknown(e->args[1]);
      if (const auto entry = united(entry_size(e->args[0]), entry_size(e->args[1]))) entries_[e] = *entry;
      return {(overload == "add_list" ? fixed_cost(1) : scaled(both, string_factor)) + sum, both};
    }
    if (auto estimate = standard_estimate(*e, overload, *this)) return {estimate->cost + sum, estimate->result};
    return {fixed_cost(1) + sum, std::nullopt};
  }

  CostEstimate list(const Expr* e) {
    CostEstimate sum;
    SizeEstimate item{e->args.empty() ? 0 : UINT64_MAX, 0};
    for (const Expr* element : e->args) {
      sum = sum + cost(element);
      item = item | size_or_unknown(element);
    }
    entries_[e] = {Container::List, {1, 1}, item};
    return sum + fixed_cost(list_cost);
  }
  CostEstimate map(const Expr* e) {
    CostEstimate sum;
    const uint64_t least = e->args.empty() ? 0 : UINT64_MAX;
    SizeEstimate key{least, 0}, value{least, 0};
    for (std::size_t i = 0; i < e->args.size(); i += 2) {
      sum = sum + cost(e->args[i]) + cost(e->args[i + 1]);
      key = key | size_or_unknown(e->args[i]);
      value = value | size_or_unknown(e->args[i + 1]);
    }
    entries_[e] = {Container::Map, key, value};
    return sum + fixed_cost(map_cost);
  }
  CostEstimate structure(const Expr* e) {
    CostEstimate sum;
    for (const Expr* value : e->args) sum = sum + cost(value);
    return sum + fixed_cost(struct_cost);
  }

  static bool is_bind(const Expr* e) {
    const Loop& parts = *e->loop;
    return parts.range->kind == Expr::Kind::List && parts.range->args.empty() && parts.condition->kind == Expr::Kind::Literal &&
           parts.condition->constant.is_false();
  }
  void push(std::string_view name, Local local) { locals_[name].push_back(std::move(local)); }
  void pop(std::string_view name) { locals_[name].pop_back(); }

  CostEstimate bind(const Expr* e) {
    const Loop& parts = *e->loop;
    CostEstimate sum = cost(parts.range) + cost(parts.initial);
    push(parts.accumulator, {path_of(parts.initial), size(parts.initial), entry_size(parts.initial)});
    sum = sum + cost(parts.result);
    pop(parts.accumulator);
    set_size(e, size(parts.result));
    if (const auto entry = entry_size(parts.result)) entries_[e] = *entry;
    return sum;
  }

  void push_variables(const Loop& parts) {
    const auto entry = entry_size(parts.range);
    Container container = entry ? entry->container : Container::Unknown;
    if (container == Container::Unknown && parts.range->type->kind == TypeKind::List) container = Container::List;
    const bool is_list = container == Container::List;
    const auto key = entry ? std::optional(entry->key) : std::nullopt;
    const auto value = entry ? std::optional(entry->value) : std::nullopt;
    const Path* path = path_of(parts.range);
    if (parts.variable2.empty()) {
      push(parts.variable, {step(path, is_list ? "@items" : "@keys"), is_list ? value : key, std::nullopt});
      return;
    }
    push(parts.variable, {step(path, is_list ? "@indices" : "@keys"), key, std::nullopt});
    push(parts.variable2, {step(path, is_list ? "@items" : "@values"), value, std::nullopt});
  }

  CostEstimate loop(const Expr* e) {
    const Loop& parts = *e->loop;
    CostEstimate sum = cost(parts.range) + cost(parts.initial);
    push(parts.accumulator, {path_of(parts.initial), size(parts.initial), entry_size(parts.initial)});
    push_variables(parts);
    const CostEstimate of_condition = cost(parts.condition), of_step = cost(parts.step);
    pop(parts.variable);
    if (!parts.variable2.empty()) pop(parts.variable2);
    sum = sum + cost(parts.result);
    pop(parts.accumulator);
    const SizeEstimate count = size_or_unknown(parts.range);
    sum = sum + times(count, of_step + of_condition);
    if (parts.initial->kind == Expr::Kind::Literal) {
      set_size(e, size(parts.initial));
    } else if (parts.initial->kind == Expr::Kind::List || parts.initial->kind == Expr::Kind::Map) {
      computed_[e] = count;
      if (const auto entry = entry_size(parts.step)) entries_[e] = *entry;
    }
    return sum;
  }

  const ProgramTables& program_;
  const SizeSource* sizes_;
  Arena arena_{SIZE_MAX};
  std::unordered_map<const Expr*, const Path*> paths_;
  std::unordered_map<const Expr*, SizeEstimate> computed_;
  std::unordered_map<const Expr*, EntrySize> entries_;
  std::map<std::string_view, std::vector<Local>> locals_;
};

}  // namespace

CostEstimate Program::estimate_cost(const SizeSource* sizes) const { return Coster(*tables_, sizes).cost(tables_->tree.root); }

}  // namespace pintle::apimachinery::cel
