// The IPAddress that each cluster IP has: made before its Service is, deleted when no Service holds the address, and mended where a crash between
// the two writes, another server or a hand left it otherwise. What is to be done is a plan; the loop does it, when an event has shown that
// something is not as it should be.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/networking_v1.h"
#include "apiserver/registry/name_loops.h"
#include "apiserver/resources/core/service_allocator.h"
#include "apiserver/types/registry.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::apiserver::resources {

// As upstream's: a Service may come as long after its IPAddress as a request lasts.
inline constexpr rt::Duration service_to_come = std::chrono::seconds(60);
// A Service that is there already: its IPAddress is of a request that is being undone.
inline constexpr rt::Duration request_to_end = std::chrono::seconds(5);
inline constexpr std::size_t settled_at_once = 64;

// "IPv4" or "IPv6", of the text of an address.
std::string_view family_of(std::string_view address);
// The "NAMESPACE/NAME" that an IPAddress is kept for by an API server, with the labels that it is to have; "": otherwise.
std::string service_of(const api::networking_v1::IPAddress& address);
api::networking_v1::IPAddress address_for(const std::string& address, const std::string& ns, const std::string& name);

struct AddressFacts {
  std::string address;
  ServiceAllocator::Seen seen;
  const api::networking_v1::IPAddress* stored = nullptr;  // nullptr: there is none
  const api::core_v1::Service* parent = nullptr;          // the Service that it names; nullptr: there is none
  rt::WallTime now{};
};
// A warning, in upstream's words.
struct AddressEvent {
  std::string service;  // whom it is about: "NAMESPACE/NAME"; "": the IPAddress
  std::string_view reason;
  std::string note;
  bool operator==(const AddressEvent&) const = default;
};
struct AddressPlan {
  bool remove = false;   // what is stored
  std::string make_for;  // then: "NAMESPACE/NAME"; "": nothing
  std::optional<rt::Duration> look_again;
  std::vector<AddressEvent> events;
};
AddressPlan plan_address(const AddressFacts& facts);

struct SettledAddress {
  std::optional<rt::Duration> look_again;
  std::vector<AddressEvent> events;
  std::optional<api::networking_v1::IPAddress> stored;  // that they may be about
};
// Does what the plan says, but for telling of it. `scope` lends its context and time.
rt::Task<Result<SettledAddress>> settle_address(RequestScope& scope, ServiceAllocator& allocator, std::string address);

class ServiceAddresses {
 public:
  using MakeScope = std::function<RequestScope(rt::Context)>;
  // `make_scope`: of the server itself. Belongs to the executor that starts it.
  ServiceAddresses(std::shared_ptr<ServiceAllocator> allocator, MakeScope make_scope);

  void start();
  rt::Task<void> stop() { co_await loops_.stop(); }

 private:
  rt::Task<Result<Unit>> look_at(rt::Context ctx, std::string address);
  rt::Task<void> look_again(rt::Context ctx, std::string address, rt::Duration wait);
  rt::Task<void> tell(RequestScope scope, std::string address, SettledAddress settled);

  const std::shared_ptr<ServiceAllocator> allocator_;
  const MakeScope make_scope_;
  std::set<std::string> waiting_;                          // to be looked at again
  std::map<std::string, std::vector<AddressEvent>> told_;  // by address, what was told of it last: the same is not told twice
  registry::NameLoops loops_;
};

}  // namespace pintle::apiserver::resources
