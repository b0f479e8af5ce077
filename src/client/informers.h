// Informers: the informers of one component, one for each type (and options), shared by all that ask for it.
// Belongs to one executor. Ask for every informer, then start(), then wait_synced().
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "client/informer.h"

namespace pintle::client {

class Informers {
 public:
  // Of the resources named in `many` ("pods"), the objects that nobody asks for are kept packed (ObjectStore).
  explicit Informers(Client& client, std::set<std::string, std::less<>> many = {});
  ~Informers();

  // All objects of T.
  template <class T>
  Informer<T> of() {
    return Informer<T>(get(resource_of<T>(), api::type_of<T>(), {}, std::string()));
  }
  // Those that the options select; `name` tells two selections of one type apart.
  template <class T>
  Informer<T> of(std::string name, InformerOptions options) {
    return Informer<T>(get(resource_of<T>(), api::type_of<T>(), std::move(options), std::move(name)));
  }
  // The metadata alone of any resource (PartialObjectMetadata).
  Informer<api::meta_v1::PartialObjectMetadata> metadata_of(const Resource& resource);

  // One that has all objects of the resource, of any type; nullptr: nobody has asked for one.
  AnyInformer* whole(const Resource& resource);

  // Whose the handlers are that are added from now on; nullptr: nobody's.
  void set_owner(std::shared_ptr<HandlerOwner> owner);

  // Starts those that are not running.
  void start();
  rt::Task<Result<Unit>> wait_synced(rt::Context ctx);
  rt::Task<void> stop();
  Client& client() { return client_; }

 private:
  AnyInformer& get(const Resource& resource, const api::Type& type, InformerOptions options, std::string name);
  Client& client_;
  const std::set<std::string, std::less<>> many_;
  std::map<std::string, std::unique_ptr<AnyInformer>> informers_;
  std::shared_ptr<HandlerOwner> owner_;
};

}  // namespace pintle::client
