// ResourceHandler: serves the paths of resources: finds the resource and the route, holds it to what was authorized, and
// hands the request to the verb's file.
#pragma once

#include <string>
#include <string_view>

#include "apiserver/endpoints/object_forms.h"
#include "apiserver/endpoints/route.h"
#include "apiserver/exchange/exchange.h"
#include "apiserver/exchange/responses.h"
#include "apiserver/registry/installed_registry.h"
#include "apiserver/types/request_parameters.h"

namespace pintle::apiserver {

class Authorizer;
class Connector;
class WatchFrames;

// What a PUT or PATCH of a scale asks for.
struct ScaleChange {
  std::optional<api::Object> whole;  // PUT
  std::string media_type;            // of the patch
  codec::Value patch;
};

class ResourceHandler {
 public:
  // `connector` (nullptr: nothing leads out of this server) and `authorizer` (nullptr: everything is allowed) outlive it.
  ResourceHandler(rt::Runtime& runtime, InstalledRegistry& registry, const ApiServerOptions& options, Connector* connector, Authorizer* authorizer)
      : runtime_(runtime), registry_(registry), options_(options), connector_(connector), authorizer_(authorizer) {}

  // Answers the exchange, whatever happens. `exchange.info.is_resource`.
  rt::Task<void> serve(Exchange& exchange);
  // True for requests that may last: watches, proxies, streams into pods. They have no deadline and count against no
  // limit of requests in flight.
  static bool long_running(const RequestInfo& info);
  // Whether the request's body is read before it takes a seat: all of resources but what the Connector streams.
  static bool takes_body(const Exchange& exchange);
  // True for a request with a body whose decoding, merging and checking may use a processor for many milliseconds in one go: its
  // size says so, or that of the object it changes, or its kind.
  bool takes_long(const Exchange& exchange) const;

 private:
  using Found = InstalledRegistry::Found;

  // What the route says, and nothing else: whatever these do, it was authorized.
  rt::Task<void> dispatch(Exchange& exchange, Found found, Route route);
  rt::Task<void> dispatch_subresource(Exchange& exchange, Found found, Route route);

  rt::Task<void> get(Exchange& exchange, Found found);
  rt::Task<void> get_virtual(Exchange& exchange, Found found);
  rt::Task<void> list(Exchange& exchange, Found found);
  rt::Task<void> watch(Exchange& exchange, Found found);
  rt::Task<void> create(Exchange& exchange, Found found);
  rt::Task<void> update(Exchange& exchange, Found found, const PartSubresource* part);
  rt::Task<void> patch(Exchange& exchange, Found found, const PartSubresource* part);
  rt::Task<void> remove(Exchange& exchange, Found found);
  rt::Task<void> remove_collection(Exchange& exchange, Found found);
  rt::Task<void> get_scale(Exchange& exchange, Found found);
  rt::Task<void> change_scale(Exchange& exchange, Found found);
  rt::Task<void> run_action(Exchange& exchange, std::shared_ptr<Action> action, const api::KindInfo& kind, std::string name);
  rt::Task<void> run_connect(Exchange& exchange, const api::KindInfo& kind);

  rt::Task<void> answer_list(Exchange& exchange, const ObjectForm& form, ListAnswer listed);

  rt::Task<void> send_events(Exchange& exchange, rt::Context ctx, storage::CacheWatcher& watcher, WatchFrames& frames);

  // Whether who may update or patch the exchange's object may also create it.
  rt::Task<Result<Unit>> may_create(Exchange& exchange);
  // Also sets the scope's dry run and field manager.
  Result<WriteParameters> write_parameters(Exchange& exchange, WriteKind kind) const;
  rt::Task<Result<api::Object>> read_object(Exchange& exchange, const api::KindInfo& kind, WriteKind write);
  Result<Unit> prepare_patch(Exchange& exchange, bool apply, const Bytes& body, codec::Value& document, WriteParameters& parameters) const;

  rt::Task<Result<RemoveRequest>> read_remove_request(Exchange& exchange);
  rt::Task<Result<ScaleChange>> read_scale_change(Exchange& exchange);
  rt::Task<void> answer_scale(Exchange& exchange, Media media, const api::Object& object, const Resource& resource);
  rt::Task<void> answer_objects(Exchange& exchange, const ObjectForm& form, api::meta_v1::ListMeta meta, const std::vector<api::Object>& objects);

  // NotAcceptable if the Accept header names nothing that this endpoint has.
  Result<ObjectForm> object_form(const Exchange& exchange, Found found) const;
  rt::Task<void> answer_object(Exchange& exchange, const ObjectForm& form, int code, api::Object object);

  rt::Runtime& runtime_;
  InstalledRegistry& registry_;
  const ApiServerOptions& options_;
  Connector* connector_;
  Authorizer* authorizer_;
};

// The selectors of a request, checked against what the resource offers. BadRequest otherwise.
Result<Selection> parse_selection(const Resource& resource, const VersionBinding& version, const ListParameters& parameters, std::string_view ns);

}  // namespace pintle::apiserver
