#include "proxy/nftables/ruleset.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "proxy/nftables/base_rules.h"
#include "proxy/nftables/names.h"

namespace pintle::proxy::nftables {
namespace {

// Elements of one command: long enough to matter, short enough for the parser's stack.
constexpr std::size_t elements_per_command_max = 512;

uint64_t hash_of(const std::vector<std::string>& rules) {
  uint64_t hash = rules.size();
  for (const std::string& rule : rules) hash = hash * 0x9e3779b97f4a7c15ull + std::hash<std::string>()(rule);
  return hash;
}

std::string declaration(const ContainerSpec& spec, Family family) {
  const std::string_view address = family == Family::IPv4 ? "ipv4_addr" : "ipv6_addr";
  std::string type(spec.key_has_address ? address : "");
  std::string rest(spec.key_type_ip);
  if (rest.starts_with("address")) rest.replace(0, std::string_view("address").size(), address);
  if (!type.empty() && !rest.empty()) type += " . ";
  type += rest;
  if (spec.map) type += " : verdict";
  return fmt::format("add {} {} {} {{ type {} ; comment \"{}\" ; }}\n", spec.map ? "map" : "set", table_of(family), spec.name, type, spec.comment);
}

std::string declarations(Family family) {
  std::string out = fmt::format("add table {} {{ comment \"rules for kube-proxy\" ; }}\n", table_of(family));
  for (const ContainerSpec& spec : container_specs()) out += declaration(spec, family);
  return out;
}

// Hooked chains are made anew, since the hook and priority of a chain that is there cannot be changed.
std::string take_over(Family family) {
  const std::string_view table = table_of(family);
  std::string out;
  for (const BaseChain& chain : base_chains()) out += fmt::format("add chain {0} {1}\ndelete chain {0} {1}\n", table, chain.name);
  for (const BaseChain& chain : base_chains()) out += fmt::format("add chain {} {} {{ {} }}\n", table, chain.name, chain.declaration);
  for (const ContainerSpec& spec : container_specs()) out += fmt::format("flush {} {} {}\n", spec.map ? "map" : "set", table, spec.name);
  return out;
}

bool is_base_chain(std::string_view name) {
  return std::ranges::any_of(base_chains(), [&](const BaseChain& chain) { return chain.name == name; });
}

std::string_view comment_of_chain(std::string_view name) {
  return name == "reject-chain" ? " { comment \"helper for @no-endpoint-services / @no-endpoint-nodeports\" ; }" : "";
}

}  // namespace

ExistingTable parse_table(std::string_view listing) {
  ExistingTable out;
  while (!listing.empty()) {
    const auto end = listing.find('\n');
    std::string_view line = listing.substr(0, end);
    listing = end == std::string_view::npos ? std::string_view() : listing.substr(end + 1);
    if (!line.starts_with('\t') || !line.ends_with(" {")) continue;
    line = line.substr(1, line.size() - 3);
    if (line.starts_with("chain ")) out.chains.emplace_back(line.substr(6));
    if (line.starts_with("set ")) out.sets.emplace_back(line.substr(4));
  }
  return out;
}

std::string Ruleset::key_of(const ServicePortName& port) {
  return port.service.namespace_name + "/" + port.service.name + "/" + std::string(protocol_name(port.protocol)) + "/" + port.port;
}

void Ruleset::rebuild(const ExistingTable& existing) {
  *this = Ruleset(family_);
  whole_ = true;
  for (const std::string& chain : existing.chains)
    if (is_service_chain(chain)) old_chains_.insert(chain);
  for (const std::string& set : existing.sets) {
    if (!set.starts_with(affinity_prefix)) continue;
    installed_sets_[set] = 0;
    touched_sets_.insert(set);
  }
}

void Ruleset::replace() {
  *this = Ruleset(family_);
  whole_ = true;
  head_ = fmt::format("add table {0}\ndelete table {0}\n", table_of(family_));
}

void Ruleset::put_owner(const std::string& key, Rules rules) {
  Owner& owner = owners_[key];
  no_local_internal_ += static_cast<std::size_t>(rules.no_local_internal) - static_cast<std::size_t>(owner.no_local_internal);
  no_local_external_ += static_cast<std::size_t>(rules.no_local_external) - static_cast<std::size_t>(owner.no_local_external);
  owner.no_local_internal = rules.no_local_internal;
  owner.no_local_external = rules.no_local_external;
  const bool rewrite_all = put_affinity_sets(owner, std::move(rules.affinity_sets));
  put_chains(owner, std::move(rules.chains), rewrite_all);
  put_elements(key, owner, std::move(rules.elements));
  if (owner.chains.empty() && owner.elements.empty() && owner.affinity_sets.empty()) owners_.erase(key);
}

// True if a set has to be made anew: then every chain that may refer to it is emptied first and written again.
bool Ruleset::put_affinity_sets(Owner& owner, std::vector<AffinitySet> sets) {
  bool made_anew = false;
  for (const AffinitySet& old : owner.affinity_sets) {
    wanted_sets_.erase(old.name);
    touched_sets_.insert(old.name);
  }
  for (const AffinitySet& wanted : sets) {
    wanted_sets_[wanted.name] = wanted.timeout_seconds;
    touched_sets_.insert(wanted.name);
    const auto installed = installed_sets_.find(wanted.name);
    made_anew |= installed != installed_sets_.end() && installed->second != wanted.timeout_seconds;
  }
  owner.affinity_sets = std::move(sets);
  return made_anew;
}

void Ruleset::put_chains(Owner& owner, std::vector<Chain> chains, bool rewrite_all) {
  std::vector<ChainState> now;
  now.reserve(chains.size());
  for (Chain& chain : chains) {
    const uint64_t hash = hash_of(chain.rules);
    const auto old = std::ranges::find(owner.chains, chain.name, &ChainState::name);
    if (old == owner.chains.end() || old->hash != hash || rewrite_all) {
      stale_chains_.erase(chain.name);
      old_chains_.erase(chain.name);
      pending_chains_[chain.name] = std::move(chain.rules);
    }
    if (old != owner.chains.end()) owner.chains.erase(old);
    now.push_back({std::move(chain.name), hash});
  }
  for (const ChainState& gone : owner.chains) {
    pending_chains_[gone.name].clear();
    stale_chains_.insert(gone.name);
  }
  owner.chains = std::move(now);
}

void Ruleset::put_elements(const std::string& key, Owner& owner, std::vector<Element> elements) {
  for (const auto& [container, element] : owner.elements) {
    slots_[static_cast<std::size_t>(container)][element].owners.erase(key);
    touched_[static_cast<std::size_t>(container)].insert(element);
  }
  owner.elements.clear();
  owner.elements.reserve(elements.size());
  for (Element& element : elements) {
    const auto container = static_cast<std::size_t>(element.container);
    touched_[container].insert(element.key);
    slots_[container][element.key].owners[key] = {std::move(element.value), std::move(element.comment)};
    owner.elements.emplace_back(element.container, std::move(element.key));
  }
}

void Ruleset::write_elements(std::string& deletes, std::string& adds) {
  const std::string_view table = table_of(family_);
  for (const ContainerSpec& spec : container_specs()) {
    const auto container = static_cast<std::size_t>(spec.container);
    std::string gone, made;
    std::size_t gone_count = 0, made_count = 0;
    const auto flush = [&](std::string_view verb, std::string& list, std::size_t& count, std::string& out) {
      if (count != 0) out += fmt::format("{} element {} {} {{ {} }}\n", verb, table, spec.name, list);
      list.clear();
      count = 0;
    };
    for (const std::string& key : touched_[container]) {
      const auto at = slots_[container].find(key);
      Slot& slot = at->second;
      const Value* wanted = slot.owners.empty() ? nullptr : &slot.owners.begin()->second;
      if (slot.installed && (!wanted || *wanted != slot.installed_value)) {
        gone += (gone_count++ == 0 ? "" : ", ") + key;
        if (gone_count == elements_per_command_max) flush("delete", gone, gone_count, deletes);
        slot.installed = false;
      }
      if (wanted && !slot.installed) {
        made += (made_count++ == 0 ? "" : ", ") + key;
        if (!wanted->comment.empty()) made += " comment \"" + wanted->comment + "\"";
        if (!wanted->text.empty()) made += " : " + wanted->text;
        if (made_count == elements_per_command_max) flush("add", made, made_count, adds);
        slot.installed = true;
        slot.installed_value = *wanted;
      }
      if (!wanted) slots_[container].erase(at);
    }
    flush("delete", gone, gone_count, deletes);
    flush("add", made, made_count, adds);
    touched_[container].clear();
  }
}

void Ruleset::write_sets(std::string& deletes, std::string& adds) {
  const std::string_view table = table_of(family_);
  for (const std::string& name : touched_sets_) {
    const auto installed = installed_sets_.find(name);
    const auto wanted = wanted_sets_.find(name);
    const bool is_there = installed != installed_sets_.end(), is_wanted = wanted != wanted_sets_.end();
    if (is_there && is_wanted && installed->second == wanted->second) continue;
    // A set whose timeout is not known is kept, with the clients in it.
    if (is_there && (!is_wanted || installed->second != 0)) deletes += fmt::format("delete set {} {}\n", table, name);
    if (is_there) installed_sets_.erase(installed);
    if (!is_wanted) continue;
    adds += fmt::format("add set {} {} {{ type {} ; flags dynamic,timeout ; timeout {}s ; }}\n", table, name,
                        family_ == Family::IPv4 ? "ipv4_addr" : "ipv6_addr", wanted->second);
    installed_sets_[name] = wanted->second;
  }
  touched_sets_.clear();
}

// "add" leaves a chain that is there alone, and emptying comes before any rule: a chain may have been put more than once.
void Ruleset::write_chain(const std::string& name, const std::vector<std::string>& lines, std::string& flushes, std::string& rules) const {
  const std::string_view table = table_of(family_);
  flushes += fmt::format("flush chain {} {}\n", table, name);
  for (const std::string& line : lines) rules += fmt::format("add rule {} {} {}\n", table, name, line);
}

std::string Ruleset::take_transaction() {
  std::string out;
  for (std::string& part : take_transactions(SIZE_MAX)) out += part;
  return out;
}

std::vector<std::string> Ruleset::take_transactions(std::size_t chains_max) {
  // What an earlier owner of the table left behind: emptied now, deleted later.
  for (const std::string& chain : old_chains_) {
    pending_chains_[chain].clear();
    stale_chains_.insert(chain);
  }
  old_chains_.clear();
  const bool whole = std::exchange(whole_, false);
  std::vector<std::string> out;
  std::string element_deletes, element_adds, set_deletes, set_adds, chains, flushes, rules;
  write_elements(element_deletes, element_adds);
  write_sets(set_deletes, set_adds);
  for (const auto& [name, lines] : pending_chains_)
    if (!is_base_chain(name)) chains += fmt::format("add chain {} {}{}\n", table_of(family_), name, comment_of_chain(name));
  std::string first = std::exchange(head_, {}) + (whole ? declarations(family_) : "");
  if (whole && pending_chains_.size() > chains_max) {
    // Chains of services that are still wanted, before anything leads to them or away from them.
    out.push_back(std::exchange(first, {}) + std::exchange(chains, {}) + std::exchange(set_adds, {}));
    std::size_t count = 0;
    for (auto at = pending_chains_.begin(); at != pending_chains_.end();) {
      if (!is_service_chain(at->first) || at->second.empty()) {
        ++at;
        continue;
      }
      write_chain(at->first, at->second, flushes, rules);
      at = pending_chains_.erase(at);
      if (++count % chains_max != 0) continue;
      out.push_back(std::exchange(flushes, {}) + std::exchange(rules, {}));
    }
    if (!flushes.empty()) out.push_back(std::exchange(flushes, {}) + std::exchange(rules, {}));
  }
  for (const auto& [name, lines] : pending_chains_) write_chain(name, lines, flushes, rules);
  pending_chains_.clear();
  std::string last = first + (whole ? take_over(family_) : "") + element_deletes + chains + flushes + set_deletes + set_adds + rules + element_adds;
  if (!last.empty()) out.push_back(std::move(last));
  return out;
}

std::string Ruleset::take_stale_chains() {
  std::string out;
  for (const std::string& chain : stale_chains_) out += fmt::format("delete chain {} {}\n", table_of(family_), chain);
  stale_chains_.clear();
  return out;
}

}  // namespace pintle::proxy::nftables
