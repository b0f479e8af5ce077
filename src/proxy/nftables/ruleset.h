// The table as it stands in the kernel, and the shortest transaction that makes it what it should be. Holds of each
// service port only the names that it put there and a hash of each chain's rules, so that a change costs what it touches,
// however many services there are. Pure: no I/O, no clock; used by one task.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proxy/nftables/rules.h"
#include "proxy/types/service_port.h"

namespace pintle::proxy::nftables {

// What table kube-proxy holds already when the proxy starts.
struct ExistingTable {
  std::vector<std::string> chains;
  std::vector<std::string> sets;
};
// Reads the answer of `nft -t list table`.
ExistingTable parse_table(std::string_view listing);

class Ruleset {
 public:
  explicit Ruleset(Family family) : family_(family) {}

  // Forgets what is in the kernel: the next transaction builds the whole table, replacing in one step what is there.
  // Every rule has to be put again. Clients' affinity survives in the sets of `existing` that are still wanted.
  void rebuild(const ExistingTable& existing);
  // The same, but the old table is deleted first: for a table that cannot be brought into shape.
  void replace();

  // What the table itself needs (plan_base()).
  void put_base(Rules rules) { put_owner("", std::move(rules)); }
  // What a service port needs from now on.
  void put(const ServicePortName& port, Rules rules) { put_owner(key_of(port), std::move(rules)); }
  void remove(const ServicePortName& port) { put_owner(key_of(port), {}); }

  // The commands for all changes since the last call; "" if there are none. If the kernel refuses them, call rebuild().
  std::string take_transaction();
  // The same in steps, where the whole table is built and has more than `chains_max` chains: the kernel and its library take
  // far longer for one large transaction than for many of moderate size. Until the last step the old rules lead the
  // traffic, into chains that are old or new. Otherwise one step, or none.
  std::vector<std::string> take_transactions(std::size_t chains_max);

  // Chains that nothing refers to any more. They are deleted by a transaction of their own some time later, because
  // kernels before 6.2 still see the reference for a moment after it is gone.
  bool has_stale_chains() const { return !stale_chains_.empty(); }
  std::string take_stale_chains();

  std::size_t no_local_internal() const { return no_local_internal_; }
  std::size_t no_local_external() const { return no_local_external_; }

 private:
  struct Value {
    std::string text;
    std::string comment;
    bool operator==(const Value&) const = default;
  };
  // An element of a set or map. Several ports may want the same key: the first owner by name decides.
  struct Slot {
    std::map<std::string, Value> owners;
    bool installed = false;
    Value installed_value;
  };
  using Slots = std::unordered_map<std::string, Slot>;
  struct ChainState {
    std::string name;
    uint64_t hash = 0;
  };
  struct Owner {
    std::vector<ChainState> chains;
    std::vector<AffinitySet> affinity_sets;
    std::vector<std::pair<Container, std::string>> elements;
    bool no_local_internal = false;
    bool no_local_external = false;
  };

  static std::string key_of(const ServicePortName& port);
  void put_owner(const std::string& key, Rules rules);
  void put_chains(Owner& owner, std::vector<Chain> chains, bool rewrite_all);
  bool put_affinity_sets(Owner& owner, std::vector<AffinitySet> sets);
  void put_elements(const std::string& key, Owner& owner, std::vector<Element> elements);
  void write_elements(std::string& deletes, std::string& adds);
  void write_sets(std::string& deletes, std::string& adds);
  void write_chain(const std::string& name, const std::vector<std::string>& lines, std::string& flushes, std::string& rules) const;

  Family family_;
  std::unordered_map<std::string, Owner> owners_;
  Slots slots_[container_count];
  std::set<std::string> touched_[container_count];
  std::map<std::string, uint32_t> installed_sets_;  // timeouts; 0: not known
  std::map<std::string, uint32_t> wanted_sets_;
  std::set<std::string> touched_sets_;
  std::map<std::string, std::vector<std::string>> pending_chains_;  // their new rules; none for those that go
  std::set<std::string> old_chains_;                                // found by rebuild() and not wanted again yet
  std::set<std::string> stale_chains_;
  std::size_t no_local_internal_ = 0;
  std::size_t no_local_external_ = 0;
  bool whole_ = false;  // the next transaction builds the whole table
  std::string head_;
};

}  // namespace pintle::proxy::nftables
